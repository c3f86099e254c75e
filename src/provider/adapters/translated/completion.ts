import { randomUUID } from 'node:crypto';
import type { LanguageModelV4Content, LanguageModelV4GenerateResult } from '@ai-sdk/provider';
import { hasOutput } from '../../domain/finish-reason.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { AnswerBlocks, metadataOf } from './answer-blocks.js';
import { finishReasonOf } from './finish.js';
import type { ToolNames } from './tool-names.js';
import { usageOf } from './usage.js';
import type { Vendor } from './vendor.js';

/**
 * A whole answer as a chat completion.
 * @param asked what was asked, when (seconds since the epoch), and what its tools are called at the vendor.
 * @throws UpstreamFailure when the vendor says that its model failed.
 */
export function completionOf(
  result: LanguageModelV4GenerateResult,
  vendor: Vendor,
  { modelId, createdS, names }: { modelId: string; createdS: number; names: ToolNames },
): JsonRecord {
  const { content, response, usage, finishReason } = result;
  const message = messageOf(content, vendor, names);
  const facts = { hasToolCalls: message['tool_calls'] !== undefined, hasOutput: hasOutput(message) };
  const reason = finishReasonOf(finishReason, facts, vendor);
  const refusal = reason === 'content_filter' ? vendor.refusalOf(metadataOf(result.providerMetadata, vendor)) : null;
  const told = isRecord(response?.body) ? vendor.headOf(response.body) : {};
  return {
    id: response?.id ?? told.id ?? newAnswerId(),
    object: 'chat.completion',
    created: createdS,
    model: told.model ?? response?.modelId ?? modelId,
    choices: [{ index: 0, message: { ...message, refusal }, logprobs: null, finish_reason: reason }],
    ...optional('usage', usageOf(usage)),
  };
}

/** For vendors that name none. */
export function newAnswerId(): string {
  return `chatcmpl-${randomUUID()}`;
}

/** An image of an answer, as the field `images` of a message carries it. */
export function imageOf(part: Extract<LanguageModelV4Content, { type: 'file' }>): JsonRecord | null {
  const { data, mediaType } = part;
  if (data.type === 'url') return { type: 'image_url', image_url: { url: data.url.href } };
  const base64 = typeof data.data === 'string' ? data.data : Buffer.from(data.data).toString('base64');
  return { type: 'image_url', image_url: { url: `data:${mediaType};base64,${base64}` } };
}

function messageOf(content: readonly LanguageModelV4Content[], vendor: Vendor, names: ToolNames): JsonRecord {
  const blocks = new AnswerBlocks(vendor);
  const calls: JsonRecord[] = [];
  const images: JsonRecord[] = [];
  let text: string | null = null;
  let reasoning = '';
  for (const [index, part] of content.entries()) {
    if (part.type === 'text') {
      text = (text ?? '') + part.text;
      blocks.add('text', String(index), part.text, part.providerMetadata);
    } else if (part.type === 'reasoning') {
      reasoning += part.text;
      blocks.add('reasoning', String(index), part.text, part.providerMetadata);
    } else if (part.type === 'tool-call' && part.providerExecuted !== true) {
      const { toolCallId: id, toolName, input } = part;
      blocks.addCall();
      const name = names.callersName(toolName);
      const fields = vendor.toolCallFields(metadataOf(part.providerMetadata, vendor));
      calls.push({ id, type: 'function', function: { name, arguments: input }, ...fields });
    } else if (part.type === 'file') {
      const image = imageOf(part);
      if (image !== null) images.push(image);
    }
  }
  return {
    role: 'assistant',
    content: text,
    ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
    ...(images.length === 0 ? {} : { images }),
    ...vendor.messageFields(blocks.list()),
  };
}

function optional(name: string, value: unknown): JsonRecord {
  return value === null ? {} : { [name]: value };
}
