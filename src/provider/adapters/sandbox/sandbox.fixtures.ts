import { Clock } from '../../../platform/clock/index.js';
import { usdMicros } from '../../../platform/money/index.js';
import { AttemptWatch } from '../../attempt/attempt-watch.js';
import type { Endpoint } from '../../domain/endpoint.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { TokenCounter } from '../../tokens/token-counter.js';
import type { AdapterCall } from '../adapter.js';
import { SandboxAdapter } from './sandbox.adapter.js';

export const counter = new TokenCounter();
export const adapter = new SandboxAdapter(counter, new Clock());
const timeouts = {
  connectMs: 1000,
  headersMs: 1000,
  firstEventMs: 1000,
  firstTokenMs: 1000,
  idleMs: 1000,
  totalMs: 20_000,
};

const endpoint: Endpoint = {
  id: 'e',
  modelId: 'm',
  modelKey: 'sandbox/test',
  providerId: 'p',
  providerName: 'sandbox',
  adapter: 'sandbox',
  baseUrl: 'sandbox:',
  hangupBilling: 'estimate',
  upstreamModel: 'sandbox-test',
  priority: 1,
  weight: 1,
  timeouts: {},
  contextWindow: null,
  inputUsdPerMtok: usdMicros(0),
  outputUsdPerMtok: usdMicros(0),
  supportsPrefill: false,
  allowedFields: [],
  enabled: true,
};

const watches: AttemptWatch[] = [];

/** For `afterEach`. */
export function stopWatches(): void {
  watches.splice(0).forEach((watch) => watch.stop());
}

export function callOf(body: JsonRecord): AdapterCall {
  const watch = new AttemptWatch(timeouts, performance.now() + 20_000);
  watches.push(watch);
  return { endpoint, apiKey: null, body: quick(body), written: new Map(), watch };
}

/** Without pauses. */
function quick(body: JsonRecord): JsonRecord {
  const messages = body['messages'] as { role: string; content: unknown }[];
  const marker = { role: 'user', content: '[sandbox:delay=0]' };
  const last = messages.findLast(({ role }) => role === 'user');
  const marked = messages.map((message) =>
    message === last && typeof message.content === 'string'
      ? { ...message, content: `[sandbox:delay=0] ${message.content}` }
      : message,
  );
  return { ...body, messages: last === undefined ? [marker, ...marked] : marked };
}

export async function complete(body: JsonRecord): Promise<{ message: JsonRecord; finish: unknown; whole: JsonRecord }> {
  const call = callOf(body);
  const whole = await adapter.complete(call);
  const choice: unknown = (whole['choices'] as unknown[])[0];
  if (!isRecord(choice) || !isRecord(choice['message'])) throw new Error('no message');
  return { message: choice['message'], finish: choice['finish_reason'], whole };
}

export const says = (content: unknown, more: JsonRecord = {}): JsonRecord => ({
  ...more,
  messages: [{ role: 'user', content }],
});

export const weatherTool = {
  type: 'function',
  function: {
    name: 'get_weather',
    parameters: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        unit: { enum: ['celsius', 'fahrenheit'] },
        days: { type: 'integer', minimum: 3 },
      },
      required: ['city'],
    },
  },
};

/** The first choice of a streamed answer, put together as clients do. */
export async function streamedMessage(body: JsonRecord): Promise<JsonRecord> {
  const source = await adapter.stream(callOf(body));
  const message: JsonRecord = {};
  for (let group = await source.read(); group !== null; group = await source.read()) {
    for (const { data } of group) {
      const { choices } = JSON.parse(data) as { choices: { index: number; delta: JsonRecord }[] };
      for (const { index, delta } of choices) if (index === 0) add(message, delta);
    }
  }
  return { content: null, refusal: null, ...message };
}

/** Texts of the same name go on, but those that only say what something is. */
function add(whole: JsonRecord, part: JsonRecord): void {
  for (const [name, value] of Object.entries(part)) {
    const before = whole[name];
    if (name === 'index') continue;
    if (Array.isArray(value)) {
      const items = (whole[name] ??= value.map(() => ({}))) as JsonRecord[];
      value.forEach((item: JsonRecord, at) => add(items[at] ?? {}, item));
    } else if (isRecord(value)) {
      add((whole[name] ??= {}) as JsonRecord, value);
    } else
      whole[name] =
        typeof before === 'string' && typeof value === 'string' ? before + value : (value ?? before ?? null);
  }
}
