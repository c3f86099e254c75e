import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';

/** A whole message as the events that it would have been streamed as. */
export function eventsOfMessage(message: JsonRecord): JsonRecord[] {
  const { content, stop_reason, stop_sequence, usage } = message;
  const blocks = Array.isArray(content) ? content.filter(isRecord) : [];
  return [
    { type: 'message_start', message: { ...message, content: [], stop_reason: null, stop_sequence: null } },
    ...blocks.flatMap((block, index) => [
      { type: 'content_block_start', index, content_block: begunBlock(block) },
      ...deltasOf(block).map((delta) => ({ type: 'content_block_delta', index, delta })),
      { type: 'content_block_stop', index },
    ]),
    { type: 'message_delta', delta: { stop_reason, stop_sequence }, ...(isRecord(usage) ? { usage } : {}) },
    { type: 'message_stop' },
  ];
}

function begunBlock(block: JsonRecord): JsonRecord {
  switch (block['type']) {
    case 'text':
      return { ...block, text: '' };
    case 'thinking':
      return { ...block, thinking: '', signature: '' };
    case 'tool_use':
      return { ...block, input: {} };
    default:
      return block;
  }
}

function deltasOf({ type, text, thinking, signature, input }: JsonRecord): JsonRecord[] {
  switch (type) {
    case 'text':
      return [{ type: 'text_delta', text: textOf(text) }];
    case 'thinking':
      return [
        { type: 'thinking_delta', thinking: textOf(thinking) },
        { type: 'signature_delta', signature: textOf(signature) },
      ];
    case 'tool_use':
      return [{ type: 'input_json_delta', partial_json: JSON.stringify(input ?? {}) }];
    default:
      return [];
  }
}
