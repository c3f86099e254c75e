import type { LanguageModelV4FinishReason } from '@ai-sdk/provider';
import { UpstreamFailure } from '../../domain/failure.js';
import type { FinishReason, Vendor } from './vendor.js';

/**
 * Why an answer ended, in OpenAI's words. What is called a stop by the vendor but brought tool calls is `tool_calls`.
 * @throws UpstreamFailure when the vendor says that its model failed.
 */
export function finishReasonOf(
  { unified, raw }: LanguageModelV4FinishReason,
  hasToolCalls: boolean,
  vendor: Vendor,
): FinishReason {
  const told = unified === 'tool-calls' ? 'tool_calls' : vendor.finishReasonOf(raw);
  if (told === 'fault') throw new UpstreamFailure('endpoint_fault', 'model_fault', { status: 200 });
  if (told === 'length' || unified === 'length') return 'length';
  if (told === 'content_filter' || unified === 'content-filter') return 'content_filter';
  return hasToolCalls ? 'tool_calls' : 'stop';
}
