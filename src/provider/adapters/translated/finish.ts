import type { LanguageModelV4FinishReason } from '@ai-sdk/provider';
import { UpstreamFailure } from '../../domain/failure.js';
import { checkFinish } from '../../domain/finish-reason.js';
import type { FinishReason, Vendor } from './vendor.js';

/** What an answer has brought by its end. */
export interface AnswerFacts {
  hasToolCalls: boolean;
  /** Output of any kind. */
  hasOutput: boolean;
}

/**
 * Why an answer ended, in OpenAI's words. What is called a stop by the vendor but brought tool calls is `tool_calls`.
 * @throws UpstreamFailure when the vendor says that its model failed, or when nothing came and no reason explains it.
 */
export function finishReasonOf(
  { unified, raw }: LanguageModelV4FinishReason,
  { hasToolCalls, hasOutput }: AnswerFacts,
  vendor: Vendor,
): FinishReason {
  const told = unified === 'tool-calls' ? 'tool_calls' : vendor.finishReasonOf(raw);
  if (told === 'fault') throw new UpstreamFailure('endpoint_fault', 'model_fault', { status: 200 });
  if (told === 'length' || unified === 'length') return 'length';
  if (told === 'content_filter' || unified === 'content-filter') return 'content_filter';
  if (unified === 'error') checkFinish('error', hasOutput);
  if (told === null && (unified === 'other' || !vendor.mayEndEmpty)) {
    checkFinish(vendor.mayEndEmpty ? (raw ?? null) : null, hasOutput);
  }
  return hasToolCalls ? 'tool_calls' : 'stop';
}
