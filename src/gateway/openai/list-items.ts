/*
 * What `messageSchema` and `toolSchema` say, without writing an issue or a copy for each item: a list may have half a million.
 * A test holds them equal.
 */

type JsonRecord = Record<string, unknown>;

/** Whether `messageSchema` takes it. */
export function isMessage(item: unknown): boolean {
  if (!isRecord(item)) return false;
  const { role, content } = item;
  if (typeof role !== 'string' || role === '') return false;
  if (content === undefined || content === null || typeof content === 'string') return true;
  return Array.isArray(content) && content.every(hasType);
}

/** Whether `toolSchema` takes it. */
export function isTool(item: unknown): boolean {
  return hasType(item);
}

/**
 * A faulty message with nothing but its first faulty part: the fault is the same, and little is left to look through.
 * @returns the place of that part, too; 0 where there is none.
 */
export function withOneFault(item: unknown): { item: unknown; partAt: number } {
  if (!isRecord(item) || !Array.isArray(item['content'])) return { item, partAt: 0 };
  const parts: readonly unknown[] = item['content'];
  const partAt = Math.max(
    0,
    parts.findIndex((part) => !hasType(part)),
  );
  return { item: { ...item, content: parts.slice(partAt, partAt + 1) }, partAt };
}

function hasType(item: unknown): boolean {
  return isRecord(item) && typeof item['type'] === 'string';
}

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
