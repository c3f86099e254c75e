import type { ChatRequest } from './chat-request.schema.js';

/** Efforts that ask a model not to think, or hardly. */
const LITTLE: ReadonlySet<unknown> = new Set(['none', 'minimal', 'off', 'disabled', '']);

/**
 * Whether a request asks the model to think: by `reasoning_effort` (OpenAI), `reasoning` (OpenRouter), `thinking` (Anthropic, GLM,
 * DeepSeek) or `enable_thinking` (Qwen).
 */
export function asksToThink(body: ChatRequest): boolean {
  const { reasoning_effort: effort, reasoning, thinking, thinking_budget: budget } = body;
  if (typeof effort === 'string' && !LITTLE.has(effort)) return true;
  if (isThinkingObject(reasoning) || isThinkingObject(thinking)) return true;
  return isOn(body['enable_thinking'], body['chat_template_kwargs']) || (typeof budget === 'number' && budget > 0);
}

function isThinkingObject(value: unknown): boolean {
  if (value === true) return true;
  if (typeof value === 'string') return !LITTLE.has(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const { type, effort, enabled } = value as Record<string, unknown>;
  if (enabled === false) return false;
  const said = type ?? effort;
  return said === undefined || said === null ? Object.keys(value).length > 0 : !LITTLE.has(said);
}

function isOn(enabled: unknown, template: unknown): boolean {
  if (enabled === true) return true;
  if (typeof template !== 'object' || template === null) return false;
  const { enable_thinking: asked, thinking } = template as Record<string, unknown>;
  return asked === true || thinking === true;
}
