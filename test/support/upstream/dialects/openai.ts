import {
  callsOf,
  countsOf,
  CREATED_S,
  hasThoughts,
  isCut,
  isRecord,
  piecesOf,
  readJson,
  recordsOf,
  REFUSAL,
  SIGNATURE,
  THOUGHTS,
  WORDLESS,
  type ChatBody,
  type Counts,
  type JsonRecord,
} from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { CallFacts, Dialect, Frame, Refusal, Script } from '../dialect.js';
import { quirkOf, type Quirk } from './openai-quirks.js';
import { toolDeltas, wholeToolCalls } from './openai-tools.js';
import { checkAzure, deploymentOf, refuseOpenAi } from './openai-refusals.js';

/** OpenAI's chat completions, and what compatible vendors make of them. */
export const openAiDialect: Dialect = {
  lineEnd: '\n',

  route(method: string, { path }: CallFacts) {
    if (method === 'POST' && path.endsWith('/chat/completions')) return 'chat';
    return method === 'GET' && path.endsWith('/models') ? 'models' : null;
  },

  read(raw: string, { path }: CallFacts): ChatBody | null {
    const json = readJson(raw);
    if (json === null) return null;
    const messages = recordsOf(json['messages']);
    const options = json['stream_options'];
    const maxima = [json['max_tokens'], json['max_completion_tokens']].filter((value) => typeof value === 'number');
    return {
      model: deploymentOf(path) ?? String(json['model']),
      stream: json['stream'] === true,
      includeUsage: isRecord(options) && options['include_usage'] === true,
      outputMax: maxima.length === 0 ? null : Math.max(...maxima),
      promptChars: JSON.stringify(messages).length,
      prefill: prefillOf(messages.at(-1)),
      images: messages.flatMap(imagesOf),
      hasTools: recordsOf(json['tools']).length > 0,
      hasToolResult: messages.some(({ role }) => role === 'tool'),
      forcedTool: null,
      json,
      raw,
    };
  },

  check: (_body, facts) => checkAzure(facts),

  refuse: refuseOpenAi,

  error(status: number, message: string, retryAfterS: number | null, code?: string): Refusal {
    const type = status >= 500 ? 'server_error' : status === 429 ? 'rate_limit_error' : 'invalid_request_error';
    const headers: Record<string, string> = retryAfterS === null ? {} : { 'retry-after': String(retryAfterS) };
    const error = { message, type, param: null, code: code ?? `upstream_${String(status)}` };
    return { status, body: JSON.stringify({ error }), headers };
  },

  whole(behaviour: Behaviour, body: ChatBody): string {
    const quirk = quirkOf(behaviour);
    const completion = {
      id: 'chatcmpl-upstream',
      object: 'chat.completion',
      created: CREATED_S,
      model: body.model,
      system_fingerprint: 'fp_upstream',
      choices: [wholeChoice(behaviour, body, quirk)],
      ...(isUnmeasured(behaviour) ? {} : { usage: usageOf(behaviour, body, quirk) }),
    };
    return (quirk.wholePrefix ?? '') + JSON.stringify(quirk.whole?.(completion) ?? completion);
  },

  script(behaviour: Behaviour, body: ChatBody): Script {
    return new OpenAiScript(behaviour, body).write();
  },

  models: () => JSON.stringify({ object: 'list', data: [{ id: 'ok', object: 'model' }] }),
};

class OpenAiScript {
  private readonly quirk: Quirk;

  constructor(
    private readonly behaviour: Behaviour,
    private readonly body: ChatBody,
  ) {
    this.quirk = quirkOf(behaviour);
  }

  write(): Script {
    const { behaviour, body, quirk } = this;
    const deltas = deltasOf(behaviour, body, quirk);
    const preamble = (quirk.preamble ?? []).map((chunk) => this.frame([], chunk));
    const role = this.frame([choice({ role: 'assistant', content: '', refusal: null })], this.early());
    return {
      begin: [...preamble, role],
      pieces: deltas.map((delta, at) => [
        this.frame([choice(delta)], this.pieceUsage(at + 1, at === deltas.length - 1)),
      ]),
      finish: this.finish(),
      tail: this.tail(),
      faults: {
        brokenChunk: [{ data: this.frame([choice({ content: ' x' })]).data.slice(0, -20) }, { data: '[DONE]' }],
        error: quirk.errorFrames ?? [{ data: SERVER_ERROR }],
        limit: [{ data: LIMIT_ERROR }],
      },
    };
  }

  private finish(): Frame[] {
    const { behaviour, body, quirk } = this;
    const reason = finishOf(behaviour, body, quirk);
    const usage = usageOf(behaviour, body, quirk);
    const more =
      quirk.usageAt === 'finish' ? { usage } : quirk.usageAt === 'x_groq' ? { x_groq: { usage } } : this.none();
    const ofChoice = quirk.usageAt === 'choice' ? { usage } : {};
    const frames = [this.frame([{ ...choice({}, reason), ...ofChoice }], more)];
    return [...frames, ...(quirk.afterFinish ?? []).map((chunk) => this.frame([], chunk))];
  }

  private tail(): Frame[] {
    const { behaviour, body, quirk } = this;
    const usage = { usage: usageOf(behaviour, body, quirk) };
    const frames: Frame[] = [];
    if (quirk.usageAt === 'empty-delta') frames.push(this.frame([choice({ role: 'assistant', content: '' })], usage));
    else if (this.sendsUsageChunk()) frames.push(this.frame([], usage));
    if (behaviour.name !== 'no-done') frames.push({ data: '[DONE]' });
    return frames;
  }

  private sendsUsageChunk(): boolean {
    if (isUnmeasured(this.behaviour)) return false;
    if (['usage-early', 'usage-on-content'].includes(this.behaviour.name)) return false;
    if (this.quirk.usageAt !== undefined) return false;
    return this.behaviour.name === 'usage-twice' || this.body.includeUsage;
  }

  private early(): JsonRecord {
    if (this.behaviour.name !== 'usage-early') return this.none();
    return { usage: usageOf(this.behaviour, this.body, this.quirk) };
  }

  /** OpenAI itself sends `"usage":null` on every chunk but the last when usage was asked for. */
  private none(): JsonRecord {
    return this.behaviour.name === 'usage-null' ? { usage: null } : {};
  }

  private pieceUsage(sent: number, isLast: boolean): JsonRecord {
    const { behaviour, body, quirk } = this;
    if (behaviour.name === 'usage-twice') return { usage: usageOf(behaviour, body, quirk, sent) };
    if (behaviour.name === 'usage-on-content' && isLast) return { usage: usageOf(behaviour, body, quirk) };
    return this.none();
  }

  private frame(choices: readonly JsonRecord[], more: JsonRecord = {}): Frame {
    const { quirk, body } = this;
    const chunk = {
      id: 'chatcmpl-upstream',
      object: 'chat.completion.chunk',
      created: CREATED_S,
      model: body.model,
      system_fingerprint: 'fp_upstream',
      choices: quirk.choice === undefined ? choices : choices.map(quirk.choice),
      ...quirk.fields,
      ...more,
    };
    const data = JSON.stringify(chunk);
    return quirk.comment === undefined ? { data } : { data, comment: quirk.comment };
  }
}

const SERVER_ERROR = JSON.stringify({
  error: {
    message: 'The engine at http://10.1.2.3:8000/v1 is overloaded',
    type: 'server_error',
    param: null,
    code: null,
  },
});
const LIMIT_ERROR = JSON.stringify({
  error: { message: 'Rate limit reached', type: 'tokens', param: null, code: 'rate_limit_exceeded' },
});

function choice(delta: JsonRecord, finishReason: string | null = null): JsonRecord {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

/** No usage is reported. */
function isUnmeasured({ name }: Behaviour): boolean {
  return name === 'usage-absent' || name in WORDLESS;
}

function deltasOf(behaviour: Behaviour, body: ChatBody, quirk: Quirk): JsonRecord[] {
  const calls = callsOf(behaviour, body, quirk.isVendor);
  const thoughts = thinks(behaviour, quirk, calls.length > 0)
    ? THOUGHTS.map((text) => quirk.thought?.(text) ?? { reasoning_content: text })
    : [];
  if (calls.length > 0) return [...thoughts, ...toolDeltas(calls, quirk.tools ?? behaviour.name, signedOf(behaviour))];
  if (behaviour.name === 'refusal') return [{ refusal: REFUSAL }];
  const wordless = WORDLESS[behaviour.name];
  if (wordless !== undefined) return [wordless];
  return [...thoughts, ...piecesOf(behaviour, body).map((content) => ({ content, ...quirk.delta }))];
}

function wholeChoice(behaviour: Behaviour, body: ChatBody, quirk: Quirk): JsonRecord {
  const calls = callsOf(behaviour, body, quirk.isVendor);
  const text = piecesOf(behaviour, body).join('');
  const thoughts = thinks(behaviour, quirk, calls.length > 0) ? THOUGHTS.join('') : null;
  const called = calls.length > 0 ? wholeToolCalls(calls, quirk.tools ?? behaviour.name, signedOf(behaviour)) : null;
  const refusal = behaviour.name === 'refusal' ? REFUSAL : null;
  const message = {
    role: 'assistant',
    content: called === null && refusal === null ? text : null,
    ...(thoughts === null ? {} : (quirk.wholeThought?.(thoughts, text) ?? { reasoning_content: thoughts })),
    refusal,
    ...WORDLESS[behaviour.name],
    ...(called === null ? {} : { tool_calls: called }),
  };
  const whole = { index: 0, message, logprobs: null, finish_reason: finishOf(behaviour, body, quirk) };
  return quirk.choice?.(whole) ?? whole;
}

/** Vendors that think do so before they say something; `signed` before it calls. */
function thinks(behaviour: Behaviour, quirk: Quirk, calls: boolean): boolean {
  if (behaviour.name === 'signed') return false;
  return hasThoughts(behaviour) || (quirk.thought !== undefined && !calls);
}

function signedOf(behaviour: Behaviour): string | null {
  return behaviour.name === 'signed' ? SIGNATURE : null;
}

function finishOf(behaviour: Behaviour, body: ChatBody, quirk: Quirk): string | null {
  if (behaviour.name === 'no-finish') return null;
  if (behaviour.name === 'filtered') return 'content_filter';
  if (isCut(behaviour, body)) return 'length';
  return callsOf(behaviour, body, quirk.isVendor).length > 0 ? 'tool_calls' : 'stop';
}

/** Usage in OpenAI's shape: cached tokens are part of the prompt tokens, thoughts of the completion. */
function usageOf(behaviour: Behaviour, body: ChatBody, quirk: Quirk, sent?: number): JsonRecord {
  const calls = callsOf(behaviour, body, quirk.isVendor);
  const counts = countsOf(behaviour, body, thinks(behaviour, quirk, calls.length > 0) ? THOUGHTS.length : 0, sent);
  return quirk.usage?.(counts) ?? plainUsage(counts);
}

function plainUsage({ prompt, cached, written, output, thoughts }: Counts): JsonRecord {
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: {
      cached_tokens: cached,
      audio_tokens: 0,
      ...(written === 0 ? {} : { cache_write_tokens: written }),
    },
    completion_tokens_details: { reasoning_tokens: thoughts, audio_tokens: 0 },
  };
}

function prefillOf(last: JsonRecord | undefined): string {
  return last?.['role'] === 'assistant' && typeof last['content'] === 'string' ? last['content'] : '';
}

function imagesOf({ content }: JsonRecord): string[] {
  const parts = recordsOf(content).filter(({ type }) => type === 'image_url');
  return parts.map(({ image_url: image }) => (isRecord(image) ? String(image['url']) : ''));
}
