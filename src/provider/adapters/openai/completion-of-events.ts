import { UpstreamFailure } from '../../domain/failure.js';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { ChunkReader } from '../../sse/chunk-reader.js';
import { SseParser } from '../../sse/sse-parser.js';
import { readCompletion } from './completion.js';

const END_MARKER = '[DONE]';

/** More than a caller can ask for; an upstream that numbers further is not believed. */
const CHOICES_MAX = 128;

/** Whether a body is a stream of events although a whole answer was asked for. */
export function looksLikeEvents(body: Buffer): boolean {
  return /^\ufeff?\s*(?:data|event|id|retry|):/.test(body.toString('utf8', 0, 200));
}

/**
 * Joins the chunks of a streamed answer into the completion that was asked for. Linear in the length of the body.
 * @throws UpstreamFailure when they are an error, or do not come to an end.
 */
export async function completionOfEvents(body: Buffer): Promise<JsonRecord> {
  const reader = new ChunkReader();
  const choices = new Map<unknown, JsonRecord>();
  const head: JsonRecord = {};
  const end = { isMarked: false };
  const add = (data: string): void => {
    const { choices: parts, ...fields } = JSON.parse(data) as JsonRecord;
    Object.assign(head, fields);
    for (const part of Array.isArray(parts) ? parts.filter(isRecord) : []) addPart(choices, part);
  };
  const parser = new SseParser((data, event) => {
    if (data.trim() === END_MARKER) end.isMarked = true;
    else if (!end.isMarked) add(reader.read(data, event).data);
  }, body.length);
  parser.push(body);
  parser.end();
  if (!end.isMarked && !reader.isFinished) throw new UpstreamFailure('endpoint_fault', 'cut', { status: 200 });
  const closing = reader.closing();
  if (closing !== null) add(closing.data);
  const completion = { ...head, object: 'chat.completion', choices: [...choices.values()] };
  return readCompletion(Buffer.from(JSON.stringify(completion)));
}

function addPart(choices: Map<unknown, JsonRecord>, { delta, ...part }: JsonRecord): void {
  const index = part['index'] ?? 0;
  if (!choices.has(index) && choices.size >= CHOICES_MAX) return;
  const known = choices.get(index) ?? { message: { role: 'assistant', content: null } };
  const { finish_reason: finish, ...fields } = part;
  const reason = finish ?? known['finish_reason'] ?? null;
  choices.set(index, Object.assign(known, fields, { index, finish_reason: reason }));
  if (isRecord(delta)) addDelta(known['message'] as JsonRecord, delta);
}

/** Joins texts; of any other value the last one stays. */
function addDelta(message: JsonRecord, delta: JsonRecord): void {
  for (const [field, value] of Object.entries(delta)) {
    if (value === null || value === undefined || field === 'role') continue;
    const known = message[field];
    if (field === 'tool_calls' && Array.isArray(value)) message[field] = withCalls(known, value.filter(isRecord));
    else if (isRecord(value) && isRecord(known)) addDelta(known, value);
    else message[field] = typeof value === 'string' ? textOf(known) + value : value;
  }
}

/** The reader has numbered the calls. */
function withCalls(known: unknown, pieces: readonly JsonRecord[]): JsonRecord[] {
  const calls = Array.isArray(known) ? (known as JsonRecord[]) : [];
  for (const { index, ...piece } of pieces) {
    const at = typeof index === 'number' && index < CHOICES_MAX ? index : calls.length;
    const call = (calls[at] ??= { type: 'function', function: { name: '', arguments: '' } });
    const { function: called, ...fields } = piece;
    Object.assign(call, fields);
    if (isRecord(called)) addDelta(call['function'] as JsonRecord, called);
  }
  return calls.filter(isRecord);
}
