import { isRecord, textOf, type JsonRecord } from './json.js';

/**
 * All text that a completion brings (content, reasoning, refusals, tool names and arguments, of every choice), for
 * counting tokens when the provider sent no usage.
 */
export function completionText(completion: Readonly<JsonRecord>): string {
  const choices = completion['choices'];
  return Array.isArray(choices) ? choices.map(choiceText).join('') : '';
}

function choiceText(choice: unknown): string {
  if (!isRecord(choice) || !isRecord(choice['message'])) return '';
  const { message, finish_reason: finish } = choice as { message: JsonRecord; finish_reason: unknown };
  const { content, refusal, reasoning, reasoning_content: reasoningContent, function_call: legacyCall } = message;
  // What a filter says when it ends an answer was not written by the model.
  const declined = finish === 'content_filter' ? '' : textOf(refusal);
  const thoughts = textOf(reasoningContent) || textOf(reasoning);
  return thoughts + contentText(content) + declined + callText(legacyCall) + callsText(message['tool_calls']);
}

function contentText(content: unknown): string {
  if (!Array.isArray(content)) return textOf(content);
  return content.map((part: unknown) => (isRecord(part) ? textOf(part['text']) : '')).join('');
}

function callsText(calls: unknown): string {
  if (!Array.isArray(calls)) return '';
  return calls.map((call: unknown) => (isRecord(call) ? callText(call['function'] ?? call['custom']) : '')).join('');
}

function callText(called: unknown): string {
  return isRecord(called) ? textOf(called['name']) + textOf(called['arguments'] ?? called['input']) : '';
}
