import type { StreamEvent } from '../../provider/index.js';
import { withoutUsage } from './usage-field.js';

export const DONE_FRAME = 'data: [DONE]\n\n';

/** Names that every chunk of one answer shares. */
export interface ChunkHead {
  id: string;
  created: number;
  model: string;
}

/** One server-sent event. */
export function frameOf(payload: object): string {
  return `data: ${JSON.stringify(payload)}\n\n`;
}

/**
 * A group of events as it goes to the caller. Usage is left out: a caller that asked for it gets one chunk with what is billed, and
 * until then `null`, where the provider sends that.
 */
export function framesOf(events: readonly StreamEvent[], includeUsage: boolean): string {
  let text = '';
  for (const { usageOnly, data } of events) {
    if (!usageOnly) text += `data: ${withoutUsage(data, includeUsage)}\n\n`;
  }
  return text;
}

/** Reads the shared names from the first chunk; what the provider left out is filled in. */
export function chunkHeadOf(event: StreamEvent | undefined, fallback: ChunkHead): ChunkHead {
  if (event === undefined) return fallback;
  const chunk = JSON.parse(event.data) as Partial<Record<keyof ChunkHead, unknown>>;
  return {
    id: typeof chunk.id === 'string' && chunk.id !== '' ? chunk.id : fallback.id,
    created: typeof chunk.created === 'number' ? chunk.created : fallback.created,
    model: typeof chunk.model === 'string' ? chunk.model : fallback.model,
  };
}

/** Indexes of the choices whose finish reason is in some events. */
export function finishedIn(events: readonly StreamEvent[]): Set<unknown> {
  const finished = new Set<unknown>();
  for (const { data } of events) {
    const { choices } = JSON.parse(data) as { choices?: readonly { index?: unknown; finish_reason?: unknown }[] };
    for (const choice of choices ?? []) if (typeof choice.finish_reason === 'string') finished.add(choice.index);
  }
  return finished;
}

/** A chunk of the gateway's own. */
export function chunkOf(head: ChunkHead, fields: Record<string, unknown>): string {
  return frameOf({ id: head.id, object: 'chat.completion.chunk', created: head.created, model: head.model, ...fields });
}
