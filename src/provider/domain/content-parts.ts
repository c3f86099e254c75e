import { isRecord, textOf, type JsonRecord } from './json.js';

/**
 * Mistral's reasoning models send `content` as parts: `thinking`, then `text`. Clients of OpenAI's format read text only: thoughts
 * become `reasoning_content`, as other vendors call it. Other parts (images, references) are left as they are.
 * @returns whether the message or delta was changed.
 */
export function joinContentParts(message: JsonRecord): boolean {
  const { content } = message;
  if (!Array.isArray(content) || !content.every(isTextual)) return false;
  const texts = content.map((part) => (part['type'] === 'text' ? textOf(part['text']) : ''));
  const thoughts = content.map((part) => (part['type'] === 'thinking' ? thoughtOf(part['thinking']) : '')).join('');
  message['content'] = texts.join('');
  if (thoughts !== '') message['reasoning_content'] = textOf(message['reasoning_content']) + thoughts;
  return true;
}

function isTextual(part: unknown): part is JsonRecord {
  return isRecord(part) && (part['type'] === 'text' || part['type'] === 'thinking');
}

function thoughtOf(thinking: unknown): string {
  if (!Array.isArray(thinking)) return textOf(thinking);
  return thinking.map((part: unknown) => (isRecord(part) ? textOf(part['text']) : '')).join('');
}
