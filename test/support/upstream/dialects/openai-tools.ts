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
  if (manner === 'tools-no-index') return calls.flatMap(withoutIndex);
  return inTurn(calls, signature);
}

/** Tool calls of a whole answer. */
export function wholeToolCalls(calls: readonly ToolCall[], manner: string, signature: string | null): JsonRecord[] {
  if (manner === 'tools-no-id') return calls.map((call) => withoutId(callOf(call)));
  if (manner === 'tools-object') return calls.map(objectCall);
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
