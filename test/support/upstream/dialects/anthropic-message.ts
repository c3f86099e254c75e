import {
  countsOf,
  hasThoughts,
  isCut,
  REFUSAL,
  THOUGHTS,
  type ChatBody,
  type JsonRecord,
  type ToolCall,
} from '../answer.js';
import type { Behaviour } from '../behaviour.js';

/** Why the message ended. */
export function stopOf(behaviour: Behaviour, body: ChatBody, calls: readonly ToolCall[]): JsonRecord {
  const stopped = (reason: string): JsonRecord => ({ stop_reason: reason, stop_sequence: null });
  if (calls.length > 0) return stopped('tool_use');
  if (isCut(behaviour, body)) return stopped('max_tokens');
  switch (behaviour.name) {
    case 'refusal':
    case 'filtered':
      return { ...stopped('refusal'), stop_details: { type: 'refusal', category: null, explanation: REFUSAL } };
    case 'pause':
      return stopped('pause_turn');
    case 'no-finish':
      return { stop_reason: null, stop_sequence: null };
    default:
      return stopped('end_turn');
  }
}

/** Usage in Anthropic's shape: what was read from and written to a cache stands beside `input_tokens`. */
export function anthropicUsage(behaviour: Behaviour, body: ChatBody, sent?: number): JsonRecord {
  const thoughts = hasThoughts(behaviour) ? THOUGHTS.length : 0;
  const counts = countsOf(behaviour, body, thoughts, sent);
  return {
    input_tokens: Math.max(0, counts.prompt - counts.cached - counts.written),
    cache_creation_input_tokens: counts.written,
    cache_read_input_tokens: counts.cached,
    cache_creation: { ephemeral_5m_input_tokens: counts.written, ephemeral_1h_input_tokens: 0 },
    output_tokens: counts.output,
    ...(thoughts === 0 ? {} : { output_tokens_details: { thinking_tokens: counts.thoughts } }),
    service_tier: 'standard',
  };
}
