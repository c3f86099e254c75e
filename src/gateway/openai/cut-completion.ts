import { completionOutput, type DeliveredOutput } from '../../provider/index.js';

/** A completion cut to a part of its output. */
export interface CutCompletion {
  body: Record<string, unknown>;
  delivered: DeliveredOutput;
}

type Choice = Record<string, unknown>;

/** No tokenizer puts more text into a token, on average of an answer. */
const CHARS_PER_TOKEN_MAX = 16;

/**
 * A completion of at most so many output tokens. Each choice has an equal share, and what a short one leaves goes to the others. A
 * choice that fits stays as it is; another one is left as a model would have left it that had to end there: content only, because
 * half a tool call or picture is of no use, and `finish_reason` `length`.
 * @param tokensMax output tokens of all choices together.
 * @param tokensOf counts output.
 */
export function cutCompletion(
  body: Readonly<Record<string, unknown>>,
  tokensMax: number,
  tokensOf: (output: DeliveredOutput) => number,
): CutCompletion {
  const choices = (Array.isArray(body['choices']) ? (body['choices'] as unknown[]) : []).filter(isObject);
  const kept = [...choices];
  const sized = choices.map((choice, at) => ({
    at,
    choice,
    tokens: tokensOf(completionOutput({ choices: [choice] })),
  }));
  sized.sort((one, other) => one.tokens - other.tokens);
  // Texts that are counted together may be a token longer at each border.
  let leftTokens = Math.max(0, tokensMax - (choices.length - 1));
  for (const [done, { at, choice, tokens }] of sized.entries()) {
    const shareTokens = Math.floor(leftTokens / (sized.length - done));
    if (tokens <= shareTokens) {
      leftTokens -= tokens;
      continue;
    }
    const content = beginningOf(contentOf(choice), shareTokens, tokensOf);
    leftTokens -= tokensOf({ text: content, dataTokens: 0 });
    const message = { role: 'assistant', content, refusal: null };
    kept[at] = { ...choice, message, logprobs: null, finish_reason: 'length' };
  }
  const cut = { ...body, choices: kept };
  return { body: cut, delivered: completionOutput(cut) };
}

/** The longest beginning of a text that has at most so many tokens. */
function beginningOf(text: string, tokensMax: number, tokensOf: (output: DeliveredOutput) => number): string {
  let fits = 0;
  let beyond = Math.min(text.length, tokensMax * CHARS_PER_TOKEN_MAX);
  while (fits < beyond) {
    const middle = Math.ceil((fits + beyond) / 2);
    if (tokensOf({ text: text.slice(0, middle), dataTokens: 0 }) <= tokensMax) fits = middle;
    else beyond = middle - 1;
  }
  // A character of two units is not cut in half.
  return /[\uD800-\uDBFF]$/.test(text.slice(0, fits)) ? text.slice(0, fits - 1) : text.slice(0, fits);
}

function contentOf({ message }: Choice): string {
  const content = isObject(message) ? message['content'] : null;
  return typeof content === 'string' ? content : '';
}

function isObject(value: unknown): value is Choice {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
