import { argumentPieces, type JsonRecord, type ToolCall } from '../answer.js';

/**
 * Tool calls as they are streamed, by the behaviour's name. OpenAI sends the name first, then the arguments in pieces, two
 * calls in turn; several vendors send a call whole, and leave out what clients need to tell calls apart.
 */
export function toolDeltas(calls: readonly ToolCall[], manner: string, signature: string | null): JsonRecord[] {
  if (manner === 'whole') return [{ tool_calls: calls.map((call, index) => ({ index, ...callOf(call, signature) })) }];
  if (manner === 'tools-same-index') return calls.map((call) => ({ tool_calls: [{ index: 0, ...callOf(call) }] }));
  if (manner === 'tools-object') return calls.map((call) => ({ tool_calls: [objectCall(call)] }));
  if (manner === 'tools-no-id') {
    return calls.map((call, index) => ({ tool_calls: [{ index, ...withoutId(callOf(call)) }] }));
  }
  if (manner === 'tools-one-id') return inTurn(withOneId(calls), signature);
  if (manner === 'tools-repeat') return calls.flatMap(repeated);
  if (manner === 'tools-null') return calls.flatMap(withNulls);
  if (manner === 'tools-no-index') return calls.flatMap(withoutIndex);
  return inTurn(calls, signature);
}

/** Tool calls of a whole answer. */
export function wholeToolCalls(calls: readonly ToolCall[], manner: string, signature: string | null): JsonRecord[] {
  if (manner === 'tools-no-id') return calls.map((call) => withoutId(callOf(call)));
  if (manner === 'tools-object') return calls.map(objectCall);
  if (manner === 'tools-one-id') return withOneId(calls).map((call) => callOf(call));
  return calls.map((call) => callOf(call, signature));
}

function inTurn(calls: readonly ToolCall[], signature: string | null): JsonRecord[] {
  const pieces = calls.map((call) => argumentPieces(call.arguments));
  const heads = calls.map((call, index) => ({
    tool_calls: [{ index, ...callOf({ ...call, arguments: '' }, signature) }],
  }));
  const rounds = Math.max(...pieces.map(({ length }) => length));
  const tails = Array.from({ length: rounds }, (_, round) =>
    pieces.flatMap((texts, index) => {
      const text = texts[round];
      return text === undefined ? [] : [{ tool_calls: [{ index, function: { arguments: text } }] }];
    }),
  );
  return [...heads, ...tails.flat()];
}

/** One call after the other; pieces belong to the call that was named last. */
function withoutIndex(call: ToolCall): JsonRecord[] {
  const tails = argumentPieces(call.arguments).map((text) => ({ tool_calls: [{ function: { arguments: text } }] }));
  return [{ tool_calls: [callOf({ ...call, arguments: '' })] }, ...tails];
}

/** One id for all calls; the indexes are right. */
function withOneId(calls: readonly ToolCall[]): ToolCall[] {
  return calls.map((call) => ({ ...call, id: 'call_0' }));
}

/** Index, id, type and name on every piece. */
function repeated(call: ToolCall, index: number): JsonRecord[] {
  return argumentPieces(call.arguments).map((text) => ({
    tool_calls: [{ index, ...callOf({ ...call, arguments: text }) }],
  }));
}

/** Nothing is left out, what is not known is `null`. */
function withNulls({ id, name, arguments: whole }: ToolCall, index: number): JsonRecord[] {
  const head = { index, id, type: 'function', function: { name, arguments: null } };
  const tails = argumentPieces(whole).map((text) => ({
    index,
    id: null,
    type: null,
    function: { name: null, arguments: text },
  }));
  return [head, ...tails].map((call) => ({ tool_calls: [call] }));
}

function callOf({ id, name, arguments: text }: ToolCall, signature: string | null = null): JsonRecord {
  const extra = signature === null ? {} : { extra_content: { google: { thought_signature: signature } } };
  return { id, type: 'function', function: { name, arguments: text }, ...extra };
}

function withoutId({ id: _id, ...call }: JsonRecord): JsonRecord {
  return call;
}

/** Arguments as the object that they are, not as its text. */
function objectCall({ id, name, arguments: text }: ToolCall): JsonRecord {
  return { id, type: 'function', function: { name, arguments: JSON.parse(text) as unknown } };
}
