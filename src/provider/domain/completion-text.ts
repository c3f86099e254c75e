import type { DeliveredOutput } from './call.js';
import type { ShownOutput } from './hidden-output.js';
import { isRecord, textOf, type JsonRecord } from './json.js';
import { isEmptyField, otherOutputOf } from './other-output.js';

/** Fields of a message that are read one by one, or say nothing by themselves. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  'content',
  'refusal',
  'reasoning',
  'reasoning_content',
  'role',
  'name',
  'function_call',
  'tool_calls',
]);

/**
 * All output that a completion brings (content, reasoning, refusals, tool names and arguments, pictures, sound and anything
 * else, of every choice), for counting tokens when the provider sent no usage.
 */
export function completionOutput(completion: Readonly<JsonRecord>): DeliveredOutput {
  const { choices } = completion;
  let text = '';
  let dataTokens = 0;
  for (const choice of Array.isArray(choices) ? (choices as unknown[]) : []) {
    if (!isRecord(choice) || !isRecord(choice['message'])) continue;
    const { message, finish_reason: finish } = choice as { message: JsonRecord; finish_reason: unknown };
    const thoughts = thoughtsOf(message);
    text += thoughts;
    for (const part of [contentOf(message['content']), ...othersOf(message, thoughts !== '')]) {
      text += part.text;
      dataTokens += part.dataTokens;
    }
    // What a filter says when it ends an answer was not written by the model.
    if (finish !== 'content_filter') text += textOf(message['refusal']);
    text += calledText(message['function_call']) + callsText(message['tool_calls']);
  }
  return { text, dataTokens };
}

/** How much a completion shows, as far as a guess at what it hides needs it. */
export function shownBy(completion: Readonly<JsonRecord>): ShownOutput {
  const { text, dataTokens } = completionOutput(completion);
  const { choices } = completion;
  let thoughtBytes = 0;
  for (const choice of Array.isArray(choices) ? (choices as unknown[]) : []) {
    const message = isRecord(choice) ? choice['message'] : null;
    if (!isRecord(message)) continue;
    const thoughts = thoughtsOf(message);
    thoughtBytes += Buffer.byteLength(thoughts);
    for (const other of othersOf(message, thoughts !== '')) thoughtBytes += Buffer.byteLength(other.text);
  }
  return { bytes: Buffer.byteLength(text), thoughtBytes, dataTokens };
}

/** Whether it brings any output at all. */
export function isSilent({ text, dataTokens }: DeliveredOutput): boolean {
  return text === '' && dataTokens === 0;
}

/** Text of the thoughts that a message shows. */
export function thoughtsOf(message: Readonly<JsonRecord>): string {
  return textOf(message['reasoning_content']) || textOf(message['reasoning']);
}

/** Name and input of a called function, or of a custom tool. */
export function calledText(called: unknown): string {
  return isRecord(called) ? textOf(called['name']) + textOf(called['arguments']) + textOf(called['input']) : '';
}

function othersOf(message: JsonRecord, showsThoughts: boolean): DeliveredOutput[] {
  return Object.entries(message)
    .filter(([field, value]) => !KNOWN_FIELDS.has(field) && !isEmptyField(value))
    .map(([field, value]) => otherOutputOf(field, value, showsThoughts));
}

function contentOf(content: unknown): DeliveredOutput {
  return Array.isArray(content) ? otherOutputOf('content', content, false) : { text: textOf(content), dataTokens: 0 };
}

function callsText(calls: unknown): string {
  return Array.isArray(calls) ? calls.map(toolText).join('') : '';
}

/** Text of one tool call, of a function or a custom tool. */
export function toolText(call: unknown): string {
  return isRecord(call) ? calledText(call['function']) + calledText(call['custom']) : '';
}
