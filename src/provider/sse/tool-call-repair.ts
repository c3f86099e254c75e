import { randomBytes } from 'node:crypto';
import { isRecord, type JsonRecord } from '../domain/json.js';

/** A call that a stream has begun. */
interface BegunCall {
  /** Its place among the calls of its choice, as the caller is told. */
  index: number;
  /** What the vendor said of it. */
  sentIndex: number | null;
  id: string;
}

/**
 * Tells the tool calls of a stream apart where the vendor does not: clients put the pieces of a call together by `index`
 * and answer it by `id`. Ollama and Gemini's compatible door give every call the same index, vLLM and others none, llama.cpp no id;
 * some send arguments as an object. What is in order is left as it is.
 */
export class ToolCallRepair {
  /** By the choice's index. */
  private readonly calls = new Map<unknown, BegunCall[]>();

  /**
   * Puts the tool calls of one delta right, in place.
   * @returns whether something was changed.
   */
  repair(choiceIndex: unknown, deltas: readonly unknown[]): boolean {
    let begun = this.calls.get(choiceIndex);
    if (begun === undefined) {
      begun = [];
      this.calls.set(choiceIndex, begun);
    }
    let isChanged = false;
    for (const delta of deltas) if (isRecord(delta) && repairDelta(delta, begun)) isChanged = true;
    return isChanged;
  }
}

/** Id of a call that the vendor gave none. */
export function newToolCallId(): string {
  return `call_${randomBytes(12).toString('hex')}`;
}

/** Arguments as the text that clients parse. @returns whether they were something else. */
export function repairArguments(called: unknown): boolean {
  if (!isRecord(called)) return false;
  const { arguments: value } = called;
  if (typeof value !== 'object' || value === null) return false;
  called['arguments'] = JSON.stringify(value);
  return true;
}

function repairDelta(delta: JsonRecord, begun: BegunCall[]): boolean {
  let isChanged = repairArguments(delta['function']);
  const sentIndex = typeof delta['index'] === 'number' ? delta['index'] : null;
  const known = knownCall(delta, sentIndex, begun);
  const call = known ?? begin(delta, sentIndex, begun);
  if (sentIndex !== call.index) {
    delta['index'] = call.index;
    isChanged = true;
  }
  const isFirst = known === null;
  if ((isFirst || idOf(delta) !== null) && delta['id'] !== call.id) {
    delta['id'] = call.id;
    isChanged = true;
  }
  if (isFirst && delta['type'] === undefined) {
    delta['type'] = 'function';
    isChanged = true;
  }
  return isChanged;
}

/** The call that a delta goes on with; `null` when it begins one. */
function knownCall(delta: JsonRecord, sentIndex: number | null, begun: readonly BegunCall[]): BegunCall | null {
  const id = idOf(delta);
  const ofId = id === null ? undefined : begun.find((call) => call.id === id);
  if (ofId !== undefined) return ofId;
  // Another id with a name is another call, whatever the index says; without an index, a name alone begins one.
  if (hasName(delta) && (id !== null || sentIndex === null)) return null;
  const ofIndex = begun.findLast((call) => call.sentIndex === sentIndex);
  return ofIndex ?? (sentIndex === null ? (begun.at(-1) ?? null) : null);
}

function begin(delta: JsonRecord, sentIndex: number | null, begun: BegunCall[]): BegunCall {
  const isFree = sentIndex !== null && !begun.some(({ index }) => index === sentIndex);
  const index = isFree ? sentIndex : Math.max(-1, ...begun.map((call) => call.index)) + 1;
  const call = { index, sentIndex, id: idOf(delta) ?? newToolCallId() };
  begun.push(call);
  return call;
}

function idOf({ id }: JsonRecord): string | null {
  return typeof id === 'string' && id !== '' ? id : null;
}

function hasName({ function: called }: JsonRecord): boolean {
  return isRecord(called) && typeof called['name'] === 'string' && called['name'] !== '';
}
