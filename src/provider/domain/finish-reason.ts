import { UpstreamFailure } from './failure.js';
import type { JsonRecord } from './json.js';

/** Ends that need no output: the answer was stopped, or the vendor's own word says that it may be empty. */
const KNOWN: ReadonlySet<string> = new Set([
  'stop',
  'length',
  'tool_calls',
  'function_call',
  'content_filter',
  'end_turn',
  'stop_sequence',
  'tool_use',
  'max_tokens',
  'max_output_tokens',
  'model_length',
  'eos',
  'eos_token',
  'refusal',
  'safety',
  'sensitive',
  'recitation',
  'model_context_window_exceeded',
]);

/** Words of a server that stopped in the middle: the model did not come to an end. */
const BROKEN = /error|fail|insufficient|abort|cancel|time_?out|interrupt|overload|unavailable|malformed/i;

/**
 * Lets an end pass that can be understood.
 * @param reason the vendor's word; `null` when it sent none.
 * @throws UpstreamFailure `model_fault` for an end that is a failure, whatever came before; `unknown_finish` for one that explains
 *   nothing where there is no output either.
 */
export function checkFinish(reason: string | null, hasOutput: boolean): void {
  if (reason !== null && BROKEN.test(reason)) {
    throw new UpstreamFailure('endpoint_fault', 'model_fault', { status: 200 });
  }
  if (hasOutput || (reason !== null && KNOWN.has(reason.toLowerCase()))) return;
  throw new UpstreamFailure('endpoint_fault', 'unknown_finish', { status: 200 });
}

/** Whether a message carries anything but its role. */
export function hasOutput(message: JsonRecord): boolean {
  return Object.entries(message).some(([field, value]) => {
    if (field === 'role' || field === 'name') return false;
    return Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined && value !== '';
  });
}
