import type { DeliveredOutput } from '../../provider/index.js';

/** A completion cut to a part of its text. */
export interface CutCompletion {
  body: Record<string, unknown>;
  delivered: DeliveredOutput;
}

/** No tokenizer puts more text into a token, on average of an answer. */
const CHARS_PER_TOKEN_MAX = 16;

/**
 * The longest beginning of an answer that is paid for, as a model would have left it that had to end there: content only, because
 * half a tool call or picture is of no use, and `finish_reason` `length`.
 * @param tokensMax more output than this is not looked at.
 * @param isPaid whether a part is; longer ones are paid for less likely.
 */
export function cutCompletion(
  body: Readonly<Record<string, unknown>>,
  tokensMax: number,
  isPaid: (part: DeliveredOutput) => boolean,
): CutCompletion {
  const choices = (Array.isArray(body['choices']) ? (body['choices'] as unknown[]) : []).filter(isObject);
  const texts = choices.map(contentOf);
  const all = texts.join('').slice(0, tokensMax * CHARS_PER_TOKEN_MAX);
  let paid = 0;
  let beyond = all.length;
  while (paid < beyond) {
    const middle = Math.ceil((paid + beyond) / 2);
    if (isPaid({ text: all.slice(0, middle), dataTokens: 0 })) paid = middle;
    else beyond = middle - 1;
  }
  // A character of two units is not cut in half.
  if (/[\uD800-\uDBFF]$/.test(all.slice(0, paid))) paid -= 1;
  let at = 0;
  const kept = choices.map((choice, index) => {
    const from = at;
    at = Math.min(paid, at + (texts[index] ?? '').length);
    const message = { role: 'assistant', content: all.slice(from, at), refusal: null };
    return { ...choice, message, logprobs: null, finish_reason: 'length' };
  });
  return { body: { ...body, choices: kept }, delivered: { text: all.slice(0, paid), dataTokens: 0 } };
}

function contentOf({ message }: Record<string, unknown>): string {
  const content = isObject(message) ? message['content'] : null;
  return typeof content === 'string' ? content : '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
