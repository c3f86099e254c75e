/** What OpenAI calls it; shown to the caller where the upstream gave no code. */
export const CONTEXT_LENGTH_CODE = 'context_length_exceeded';

/** Codes that mean nothing else. */
const CODES: ReadonlySet<string> = new Set([CONTEXT_LENGTH_CODE, 'exceed_context_size_error']);

/**
 * How vendors and servers say that a prompt is longer than the model's context. There is no common code: most answer a
 * plain 400 and say it in words.
 */
const WORDINGS: readonly (readonly [vendor: string, wording: RegExp])[] = [
  ['OpenAI, Azure, DeepSeek, vLLM, OpenRouter', /maximum (?:context|model) length (?:is|of) \d/i],
  ['OpenAI Responses', /exceeds the context window/i],
  ['Anthropic', /prompt is too long/i],
  ['Anthropic', /exceed(?:s|ed)? context limit/i],
  ['Gemini', /input token count\b.{0,60}\bexceeds the maximum number of tokens/i],
  ['llama.cpp', /exceeds? the available context size|context size has been exceeded/i],
  ['llama-cpp-python', /exceed context window of \d/i],
  ['vLLM', /longer than the maximum model length/i],
  ['TGI, Together', /`inputs` tokens \+ `max_new_tokens` must be/i],
  ['Mistral', /too large for model with \d+ maximum context/i],
  ['xAI', /maximum prompt length is \d/i],
  ['Groq', /reduce the length of the messages/i],
  ['Bedrock', /input is too long for requested model/i],
  ['LM Studio', /greater than the context length/i],
  ['DashScope', /range of input length should be/i],
  ['Moonshot', /exceeded model token limit/i],
];

/** Whether an upstream refused a request because its prompt does not fit the model's context. */
export function saysContextLength(code: string | null, message: string): boolean {
  return (code !== null && CODES.has(code)) || WORDINGS.some(([, wording]) => wording.test(message));
}
