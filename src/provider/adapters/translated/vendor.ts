import type { JSONObject, LanguageModelV4, LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { JsonRecord } from '../../domain/json.js';
import type { ReadRefusal } from '../../transport/refusal.js';
import type { Mender } from './wire-filter.js';

/** Where and as whom the AI SDK calls a model. */
export interface Connection {
  modelId: string;
  /** Without query and trailing slash. */
  baseUrl: string;
  /** Empty when the provider needs none; never absent, or the SDK would look for one in the environment. */
  apiKey: string;
  fetch: typeof globalThis.fetch;
}

/** Why an answer ended, in OpenAI's words. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** A part of an assistant message in the AI SDK's form. */
export type AssistantPart = Extract<LanguageModelV4Prompt[number], { role: 'assistant' }>['content'][number];

/** What comes before a block of an answer: characters of its text, and calls. */
export interface Before {
  textChars: number;
  calls: number;
}

/** A finished block of text or reasoning of an answer, with what the vendor wants back on the next turn. */
export interface AnswerBlock {
  kind: 'text' | 'reasoning';
  text: string;
  metadata: JSONObject;
  before: Before;
}

/** Reasoning that goes back to the vendor, and its place in the message. */
export interface Thought {
  part: AssistantPart;
  before: Before;
}

/** What identifies an answer. */
export interface AnswerHead {
  id: string;
  model: string;
}

/** How a provider is asked for its models. */
export interface ModelList {
  /** Path and query after the base URL. */
  path: string;
  /** Names and values in turn. */
  headers: (apiKey: string) => string[];
  /** Key of the array in the answer. */
  field: string;
}

/**
 * What is particular about a vendor that the AI SDK speaks to. All else (messages, tools, streams, errors, usage) is common and
 * lives in this folder.
 */
export interface Vendor {
  /** Folder name; the `adapter` of a provider. */
  readonly name: string;
  /** The vendor's key in the options and metadata of the AI SDK. */
  readonly optionsKey: string;
  /** Kinds of files that its models read, as beginnings of media types. */
  readonly media: readonly string[];
  readonly modelList: ModelList;
  model(connection: Connection): Promise<LanguageModelV4>;
  /**
   * Options of the whole call that are not common to all vendors, and corrections of those that are.
   * @throws UpstreamFailure `caller_fault` naming a field that the vendor cannot honour.
   */
  adjust(options: LanguageModelV4CallOptions, body: Readonly<JsonRecord>, modelId: string): Promise<void>;
  /** What a message, a part of one, a tool or a tool call carries for this vendor: cache marks, signatures. */
  optionsOf(record: JsonRecord): JSONObject | null;
  /** The reasoning of an earlier turn that the vendor wants back, from an assistant message, in its order. */
  reasoningOf(message: JsonRecord): Thought[];
  /** What an assistant message carries that only its maker can open; empty when there is nothing. */
  opaqueOf(message: JsonRecord): string;
  /** An assistant message without that, in the form that is taken then; the very same object when nothing has to change. */
  withoutThoughts(message: JsonRecord): JsonRecord;
  /** A refusal that speaks of such things. */
  readonly refusesThoughts: RegExp;
  /** Names of tools that the vendor takes. */
  readonly toolName: RegExp;
  /** Whether the vendor refuses a text because it says nothing. */
  isBlank(text: string): boolean;
  /** The media type that a link stands for, where the vendor must be told. */
  mediaTypeOf(url: URL, kind: string): string;
  /** Fields of an assistant message that the caller must send back. */
  messageFields(blocks: readonly AnswerBlock[]): JsonRecord;
  /** Fields of a tool call that the caller must send back. */
  toolCallFields(metadata: JSONObject): JsonRecord;
  /** `fault`: not an answer but a failure of the model; `null`: the common reading is right. */
  finishReasonOf(raw: string | undefined): FinishReason | 'fault' | null;
  /** Whether an answer without any output may have come to a good end; else it is a failure of the model. */
  readonly mayEndEmpty: boolean;
  /** The vendor's words for why it answers no further. */
  refusalOf(metadata: JSONObject): string | null;
  /** What an event or body of the vendor's own form says about the answer, where the SDK does not tell. */
  headOf(raw: JsonRecord): Partial<AnswerHead>;
  /** For one answer. */
  mender(): Mender;
  readonly readRefusal: ReadRefusal;
}
