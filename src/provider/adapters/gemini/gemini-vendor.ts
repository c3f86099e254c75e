import type { JSONObject, LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import type { AnswerBlock, AnswerHead, Connection, FinishReason, Vendor } from '../translated/vendor.js';
import { NO_MENDER } from '../translated/wire-filter.js';
import { signatureOf, signedRecords, withoutSignatures } from '../history/thought-signatures.js';
import { readGeminiRefusal } from './gemini-refusal.js';

const OPTIONS_KEY = 'google';

/** The media types of links: Gemini has to be told, it does not look. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
  bmp: 'image/bmp',
  mov: 'video/mov',
  webm: 'video/webm',
};
const DEFAULT_TYPES: Readonly<Record<string, string>> = { image: 'image/jpeg', video: 'video/mp4' };

/** Ends that the SDK calls `other`; what is not here ended well. */
const FINISH_REASONS: Readonly<Record<string, FinishReason | 'fault'>> = {
  LANGUAGE: 'content_filter',
  IMAGE_PROHIBITED_CONTENT: 'content_filter',
  IMAGE_RECITATION: 'content_filter',
  IMAGE_OTHER: 'content_filter',
  NO_IMAGE: 'content_filter',
  // The model wrote a call that nobody can read, or of a tool that nobody offered: another attempt may do better.
  MALFORMED_FUNCTION_CALL: 'fault',
  MALFORMED_RESPONSE: 'fault',
  UNEXPECTED_TOOL_CALL: 'fault',
  TOO_MANY_TOOL_CALLS: 'fault',
};

/** Gemini behind Google's own `generateContent`. */
export const geminiVendor: Vendor = {
  name: 'gemini',
  optionsKey: OPTIONS_KEY,
  media: ['image/', 'audio/', 'video/', 'application/pdf', 'text/'],
  modelList: {
    path: '/models?pageSize=1000',
    headers: (apiKey) => ['x-goog-api-key', apiKey],
    field: 'models',
  },
  model,
  adjust,
  optionsOf,
  reasoningOf: () => [],
  opaqueOf: (message) => signedRecords(message).map(signatureOf).join(' '),
  withoutThoughts: withoutSignatures,
  refusesThoughts: /thought.?signature/i,
  toolName: /^[a-zA-Z_][\w.:-]{0,63}$/,
  isBlank: (text) => text === '',
  mediaTypeOf,
  messageFields,
  toolCallFields: signatureFields,
  finishReasonOf: (raw) => FINISH_REASONS[raw ?? ''] ?? null,
  mayEndEmpty: false,
  refusalOf,
  headOf,
  mender: () => NO_MENDER,
  readRefusal: readGeminiRefusal,
};

async function model({ modelId, baseUrl, apiKey, fetch }: Connection): Promise<LanguageModelV4> {
  // Loaded when the first call needs it: most gateways never do.
  const { createGoogle } = await import('@ai-sdk/google');
  return createGoogle({ baseURL: baseUrl, apiKey, fetch })(modelId);
}

/** Two turns of the model in a row are one: Gemini wants a call right after the user's turn. */
function joinTurns(prompt: LanguageModelV4Prompt): LanguageModelV4Prompt {
  const joined: LanguageModelV4Prompt = [];
  for (const message of prompt) {
    const last = joined.at(-1);
    if (message.role === 'assistant' && last?.role === 'assistant') last.content.push(...message.content);
    else joined.push(message);
  }
  return joined;
}

/** Thoughts are shown to whoever asks for an effort; `extra_body.google.thinking_config` is what Gemini's own OpenAI endpoint takes. */
function adjust(options: LanguageModelV4CallOptions, body: Readonly<JsonRecord>): Promise<void> {
  options.prompt = joinTurns(options.prompt);
  const extra = isRecord(body['extra_body']) ? body['extra_body'][OPTIONS_KEY] : null;
  const asked = isRecord(extra) && isRecord(extra['thinking_config']) ? extra['thinking_config'] : {};
  const { thinking_budget: budget, thinking_level: level, include_thoughts: shown } = asked;
  const thinkingConfig: JSONObject = {
    ...(typeof budget === 'number' ? { thinkingBudget: budget } : {}),
    ...(typeof level === 'string' ? { thinkingLevel: level } : {}),
    ...(typeof shown === 'boolean' ? { includeThoughts: shown } : {}),
  };
  if (options.reasoning !== undefined && options.reasoning !== 'none') thinkingConfig['includeThoughts'] ??= true;
  if (Object.keys(thinkingConfig).length > 0) options.providerOptions = { [OPTIONS_KEY]: { thinkingConfig } };
  return Promise.resolve();
}

/** The signature that a part came with, where Gemini's own OpenAI endpoint puts it or right on the record. */
function optionsOf(record: JsonRecord): JSONObject | null {
  const signature = signatureOf(record);
  return signature === '' ? null : { thoughtSignature: signature };
}

function mediaTypeOf({ pathname }: URL, kind: string): string {
  const extension = /\.(\w+)$/.exec(pathname)?.[1]?.toLowerCase() ?? '';
  return EXTENSIONS[extension] ?? DEFAULT_TYPES[kind] ?? kind;
}

/** The signature of an answer without calls stands on its last part. */
function messageFields(blocks: readonly AnswerBlock[]): JsonRecord {
  const signed = blocks.findLast(({ metadata }) => typeof metadata['thoughtSignature'] === 'string');
  return signed === undefined ? {} : signatureFields(signed.metadata);
}

function signatureFields({ thoughtSignature: signature }: JSONObject): JsonRecord {
  return typeof signature === 'string' ? { extra_content: { [OPTIONS_KEY]: { thought_signature: signature } } } : {};
}

function refusalOf({ finishMessage, promptFeedback }: JSONObject): string | null {
  if (typeof finishMessage === 'string' && finishMessage !== '') return finishMessage;
  const reason = isRecord(promptFeedback) ? textOf(promptFeedback['blockReason']) : '';
  return reason === '' ? null : `The prompt was blocked: ${reason}`;
}

function headOf({ modelVersion, responseId }: JsonRecord): Partial<AnswerHead> {
  return {
    ...(typeof modelVersion === 'string' ? { model: modelVersion } : {}),
    ...(typeof responseId === 'string' && responseId !== '' ? { id: responseId } : {}),
  };
}
