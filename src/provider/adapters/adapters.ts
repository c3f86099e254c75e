import { AnthropicAdapter } from './anthropic/anthropic.adapter.js';
import { GeminiAdapter } from './gemini/gemini.adapter.js';
import { OpenAiAdapter } from './openai/openai.adapter.js';
import { SandboxAdapter } from './sandbox/sandbox.adapter.js';

/** Every vendor, by the name that a provider gives as its `adapter`. A new one is a folder and a line here. */
export const ADAPTER_CLASSES = {
  anthropic: AnthropicAdapter,
  gemini: GeminiAdapter,
  openai: OpenAiAdapter,
  sandbox: SandboxAdapter,
} as const;

/** What `adapter` may be. */
export const ADAPTER_NAMES: readonly string[] = Object.keys(ADAPTER_CLASSES);
