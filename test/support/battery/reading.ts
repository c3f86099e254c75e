import type { ChatUsage, ErrorBody, Metadata } from '../chat.js';

export interface ReadCall {
  id: string;
  type: string;
  name: string;
  arguments: string;
}

/** An answer as a client puts it together, whole or streamed. */
export interface ReadAnswer {
  status: number;
  headers: Headers;
  /** The assistant's message with every field that came, known or not. */
  message: Record<string, unknown>;
  finishes: string[];
  calls: ReadCall[];
  usage: ChatUsage | null;
  /** How often it said so. */
  usages: number;
  metadata: Metadata | null;
  error: ErrorBody['error'] | null;
  /** Streams: `[DONE]` came last. Whole answers: always. */
  isDone: boolean;
  /** Whatever came that is not in OpenAI's shape, in words. */
  strange: string[];
}

interface Choice {
  index: number;
  message?: Record<string, unknown>;
  delta?: Record<string, unknown>;
  finish_reason: string | null;
}

interface Payload {
  id?: string;
  object?: string;
  created?: number;
  choices?: Choice[];
  usage?: ChatUsage | null;
  metadata?: Metadata;
  error?: ErrorBody['error'];
}

/** Reads an answer to its end. */
export async function readAnswer(response: Response): Promise<ReadAnswer> {
  const isStream = (response.headers.get('content-type') ?? '').includes('event-stream');
  const text = await response.text();
  const answer: ReadAnswer = {
    status: response.status,
    headers: response.headers,
    message: {},
    finishes: [],
    calls: [],
    usage: null,
    usages: 0,
    metadata: null,
    error: null,
    isDone: !isStream,
    strange: [],
  };
  for (const payload of isStream ? payloadsOf(text, answer) : [parse(text, answer)]) {
    take(payload, answer, isStream ? 'chat.completion.chunk' : 'chat.completion');
  }
  answer.calls = callsOf(answer);
  return answer;
}

function payloadsOf(text: string, answer: ReadAnswer): Payload[] {
  const data = text.split('\n').flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trim()] : []));
  answer.isDone = data.at(-1) === '[DONE]';
  return data.filter((item) => item !== '[DONE]').map((item) => parse(item, answer));
}

function parse(text: string, answer: ReadAnswer): Payload {
  try {
    return JSON.parse(text) as Payload;
  } catch {
    answer.strange.push(`not JSON: ${text.slice(0, 80)}`);
    return {};
  }
}

function take(payload: Payload, answer: ReadAnswer, object: string): void {
  if (payload.error !== undefined) {
    answer.error = payload.error;
    return;
  }
  const isOdd = payload.object !== object || typeof payload.id !== 'string' || typeof payload.created !== 'number';
  if (isOdd || !Array.isArray(payload.choices)) answer.strange.push(`odd payload: ${JSON.stringify(payload)}`);
  if (isObject(payload.usage)) answer.usages += 1;
  answer.usage = payload.usage ?? answer.usage;
  answer.metadata = payload.metadata ?? answer.metadata;
  for (const choice of payload.choices ?? []) {
    if (typeof choice.finish_reason === 'string') answer.finishes.push(choice.finish_reason);
    const part = choice.message ?? choice.delta;
    if (part === undefined || choice.index !== 0) answer.strange.push(`odd choice: ${JSON.stringify(choice)}`);
    else merge(answer.message, part);
  }
}

/** As the openai client accumulates deltas: texts join, also ids and names, lists go by `index`, anything else is replaced. */
function merge(target: Record<string, unknown>, delta: Record<string, unknown>): void {
  for (const [field, value] of Object.entries(delta)) {
    const known = target[field];
    const isLabel = ['role', 'type', 'index'].includes(field);
    if (typeof known === 'string' && typeof value === 'string' && !isLabel) target[field] = known + value;
    else if (Array.isArray(value) && field === 'tool_calls') target[field] = mergedCalls(known, value as object[]);
    else if (isObject(known) && isObject(value)) merge(known, value);
    else if (value !== null || known === undefined) target[field] = value;
  }
}

function mergedCalls(known: unknown, deltas: readonly object[]): unknown[] {
  const calls = Array.isArray(known) ? [...(known as unknown[])] : [];
  for (const [at, delta] of deltas.entries()) {
    // A whole answer's calls have no index; those of a stream must.
    const { index = known === undefined ? at : Number.NaN } = delta as { index?: number };
    const call = isObject(calls[index]) ? calls[index] : {};
    merge(call, delta as Record<string, unknown>);
    calls[index] = call;
  }
  return calls;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function callsOf({ message }: ReadAnswer): ReadCall[] {
  const calls = Array.isArray(message['tool_calls']) ? (message['tool_calls'] as unknown[]) : [];
  return calls.map((call) => {
    const { id, type, function: called } = call as { id: string; type: string; function: ReadCall };
    return { id, type, name: called.name, arguments: called.arguments };
  });
}
