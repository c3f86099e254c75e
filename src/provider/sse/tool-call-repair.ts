import { randomBytes } from 'node:crypto';
import { UpstreamFailure } from '../domain/failure.js';
import { isRecord, textOf, type JsonRecord } from '../domain/json.js';

/** Calls of one choice. Each piece of a call looks through all of them. */
const CALLS_MAX = 256;

/** A call that a stream has begun. */
interface BegunCall {
  /** Its place among the calls of its choice, as the caller is told. */
  index: number;
  /** Its id, as the caller is told. */
  id: string;
  /** What the vendor said of it. */
  sentIndex: number | null;
  sentId: string | null;
  name: string;
  arguments: string;
}

/** A piece of a call as the vendor sent it; empty texts for what it did not say. */
interface SentPiece {
  index: number | null;
  id: string | null;
  name: string;
  arguments: string;
}

/**
 * Tells the tool calls of a stream apart where the vendor does not: clients put the pieces of a call together by `index`
 * and answer it by `id`. Ollama and Gemini's compatible door give every call the same index, vLLM and others none, llama.cpp no id,
 * some servers give all calls one id; some repeat id and name on every piece, which clients would join; some send arguments as an
 * object or as `null`. What is in order is left as it is.
 */
export class ToolCallRepair {
  /** By the choice's index. */
  private readonly calls = new Map<unknown, BegunCall[]>();

  /**
   * Puts the tool calls of one delta right, in place.
   * @returns whether something was changed.
   * @throws UpstreamFailure `too_many_tool_calls`.
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

  /** Deltas for the calls of a choice that ended without arguments: clients parse them as JSON. Each is told once. */
  unfinished(choiceIndex: unknown): JsonRecord[] {
    const bare = (this.calls.get(choiceIndex) ?? []).filter((call) => call.arguments.trim() === '');
    for (const call of bare) call.arguments = NO_ARGUMENTS;
    return bare.map(({ index }) => ({ index, function: { arguments: NO_ARGUMENTS } }));
  }
}

/** Id of a call that the vendor gave none, or one that another call has. */
export function newToolCallId(): string {
  return `call_${randomBytes(12).toString('hex')}`;
}

/** Puts the tool calls of a whole answer right, in place: each has an id of its own, a type, and arguments that are a text. */
export function repairWholeCalls(calls: readonly JsonRecord[]): void {
  const ids = new Set<string>();
  for (const call of calls) {
    const { function: called } = call;
    const id = idOf(call);
    call['id'] = id === null || ids.has(id) ? newToolCallId() : id;
    ids.add(call['id'] as string);
    call['type'] ??= 'function';
    if (!isRecord(called)) continue;
    repairArguments(called);
    if (textOf(called['arguments']).trim() === '') called['arguments'] = NO_ARGUMENTS;
  }
}

/** What a call without arguments has, in OpenAI's answers. */
const NO_ARGUMENTS = '{}';

function repairDelta(delta: JsonRecord, begun: BegunCall[]): boolean {
  const { function: called } = delta;
  let isChanged = isRecord(called) && repairArguments(called);
  const piece = pieceOf(delta);
  const known = knownCall(piece, begun);
  const call = known ?? begin(piece, begun);
  if (known === null) {
    if (delta['id'] !== call.id || delta['type'] === undefined) {
      delta['id'] = call.id;
      delta['type'] ??= 'function';
      isChanged = true;
    }
  } else if (goOn(known, piece, delta)) {
    isChanged = true;
  }
  if (piece.index !== call.index) {
    delta['index'] = call.index;
    isChanged = true;
  }
  call.arguments += piece.arguments;
  return isChanged;
}

/** Arguments as the text that clients join and parse. @returns whether they were something else. */
function repairArguments(called: JsonRecord): boolean {
  const { arguments: value } = called;
  if (typeof value === 'string') return false;
  called['arguments'] = value === undefined || value === null ? '' : JSON.stringify(value);
  return true;
}

/** Clients join texts: what was said at the beginning of a call is not said again. @returns whether it was. */
function goOn(call: BegunCall, piece: SentPiece, delta: JsonRecord): boolean {
  const { function: called } = delta;
  const isNameRepeated = isRecord(called) && piece.name === call.name && piece.name !== '';
  if (isNameRepeated) delete called['name'];
  else call.name += piece.name;
  if (piece.id !== null) {
    delete delta['id'];
    delete delta['type'];
  }
  return isNameRepeated || piece.id !== null;
}

/** The call that a piece goes on with; `null` when it begins one. */
function knownCall(piece: SentPiece, begun: readonly BegunCall[]): BegunCall | null {
  const { id, index, name } = piece;
  const ofIndex = begun.findLast((call) => call.sentIndex === index);
  if (id !== null) {
    const ofId = ofIndex?.sentId === id ? ofIndex : begun.findLast((call) => call.sentId === id);
    if (ofId !== undefined) return beginsAnother(piece, ofId) ? null : ofId;
    // Another id with a name is another call, whatever the index says.
    if (name !== '') return null;
  }
  const call = ofIndex ?? (index === null ? begun.at(-1) : undefined);
  return call === undefined || beginsAnother(piece, call) ? null : call;
}

/** A piece with a name is another call where index or name differ, or where the arguments of the known one are whole already. */
function beginsAnother({ id, index, name, arguments: text }: SentPiece, call: BegunCall): boolean {
  if (name === '') return false;
  if (index !== null && call.sentIndex !== null && index !== call.sentIndex) return true;
  if (name === call.name) return text.trimStart().startsWith('{') && isWhole(call.arguments);
  // Neither id nor arguments yet: this may be the rest of the name.
  return id !== null || text !== '' || call.arguments !== '' || index === null;
}

function isWhole(text: string): boolean {
  if (!text.trimEnd().endsWith('}')) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function begin({ index: sentIndex, id: sentId, name }: SentPiece, begun: BegunCall[]): BegunCall {
  if (begun.length >= CALLS_MAX) throw new UpstreamFailure('endpoint_fault', 'too_many_tool_calls', { status: 200 });
  const isFree = sentIndex !== null && !begun.some(({ index }) => index === sentIndex);
  const index = isFree ? sentIndex : Math.max(-1, ...begun.map((call) => call.index)) + 1;
  const isOwnId = sentId !== null && !begun.some(({ id }) => id === sentId);
  const call = { index, id: isOwnId ? sentId : newToolCallId(), sentIndex, sentId, name, arguments: '' };
  begun.push(call);
  return call;
}

function pieceOf(delta: JsonRecord): SentPiece {
  const called = isRecord(delta['function']) ? delta['function'] : {};
  return {
    index: typeof delta['index'] === 'number' ? delta['index'] : null,
    id: idOf(delta),
    name: textOf(called['name']),
    arguments: textOf(called['arguments']),
  };
}

function idOf({ id }: JsonRecord): string | null {
  return typeof id === 'string' && id !== '' ? id : null;
}
