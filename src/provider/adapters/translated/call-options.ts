import type {
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4ToolChoice,
} from '@ai-sdk/provider';
import { isDeepStrictEqual } from 'node:util';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { providerOptions } from './content-parts.js';
import { objectSchema } from './object-schema.js';
import { promptOf } from './prompt.js';
import { refuse } from './refuse.js';
import type { ToolNames } from './tool-names.js';
import type { Vendor } from './vendor.js';

type Effort = Exclude<LanguageModelV4CallOptions['reasoning'], undefined>;
type Format = Exclude<LanguageModelV4CallOptions['responseFormat'], undefined>;

const EFFORTS: ReadonlySet<string> = new Set(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']);

/** Different tools under one name; each is compared with every other. */
const SAME_NAME_MAX = 16;

/** Sampling settings that have the same meaning in both shapes. */
const NUMBERS = {
  temperature: 'temperature',
  top_p: 'topP',
  top_k: 'topK',
  presence_penalty: 'presencePenalty',
  frequency_penalty: 'frequencyPenalty',
  seed: 'seed',
} as const;

/**
 * A request in OpenAI's shape as the options of a call of the AI SDK.
 * @throws UpstreamFailure `caller_fault` naming a field that would change the shape of the answer and that the vendor cannot
 *   honour. What only steers, and the vendor does not know, is left out; the table is in the module's README.
 */
export async function callOptionsOf(
  body: Readonly<JsonRecord>,
  vendor: Vendor,
  modelId: string,
  names: ToolNames,
): Promise<LanguageModelV4CallOptions> {
  refuseUnanswerable(body);
  // Before the history: a name that is offered is a better one than a name that was.
  const tools = toolsOf(body['tools'], vendor, names);
  const options: LanguageModelV4CallOptions = { prompt: promptOf(body['messages'], vendor, names), ...numbersOf(body) };
  const maxTokens = Math.max(tokensOf(body['max_tokens']), tokensOf(body['max_completion_tokens']));
  if (maxTokens > 0) options.maxOutputTokens = maxTokens;
  const stop = stopOf(body['stop']);
  if (stop.length > 0) options.stopSequences = stop;
  if (tools.length > 0) {
    options.tools = tools;
    const choice = toolChoiceOf(body['tool_choice'], tools, names);
    if (choice !== null) options.toolChoice = choice;
  }
  const format = responseFormatOf(body['response_format']);
  if (format !== null) options.responseFormat = format;
  const effort = effortOf(body);
  if (effort !== null) options.reasoning = effort;
  await vendor.adjust(options, body, modelId);
  return options;
}

/** Fields that promise something in the answer which these vendors never give. */
function refuseUnanswerable(body: Readonly<JsonRecord>): void {
  if (typeof body['n'] === 'number' && body['n'] > 1) throw refuse('n', 'this model gives one choice');
  if (body['logprobs'] === true) throw refuse('logprobs', 'this model gives no log probabilities');
  if (typeof body['top_logprobs'] === 'number' && body['top_logprobs'] > 0) {
    throw refuse('top_logprobs', 'this model gives no log probabilities');
  }
  if (isRecord(body['audio'])) throw refuse('audio', 'this model does not speak');
  const { modalities, functions } = body;
  if (Array.isArray(modalities) && modalities.includes('audio'))
    throw refuse('modalities', 'this model does not speak');
  if (Array.isArray(functions) && functions.length > 0) throw refuse('functions', 'use tools');
}

function numbersOf(body: Readonly<JsonRecord>): Partial<LanguageModelV4CallOptions> {
  const read: Partial<Record<(typeof NUMBERS)[keyof typeof NUMBERS], number>> = {};
  for (const [field, option] of Object.entries(NUMBERS)) {
    const value = body[field];
    if (typeof value === 'number') read[option] = value;
    else if (value !== undefined && value !== null) throw refuse(field, 'must be a number');
  }
  return read;
}

/** Of two limits the larger counts. */
function tokensOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function stopOf(value: unknown): string[] {
  const stops: unknown[] = Array.isArray(value) ? value : [value];
  return stops.filter((stop): stop is string => typeof stop === 'string' && stop !== '');
}

/** Vendors refuse two tools of one name: the same tool is offered once, a different one gets another name. */
function toolsOf(value: unknown, vendor: Vendor, names: ToolNames): LanguageModelV4FunctionTool[] {
  if (!Array.isArray(value)) return [];
  const known = new Map<string, LanguageModelV4FunctionTool[]>();
  for (const [index, item] of (value as unknown[]).entries()) {
    const tool = toolOf(item, `tools[${String(index)}]`, vendor);
    const ofName = known.get(tool.name) ?? [];
    if (ofName.some((other) => isDeepStrictEqual(other, tool))) continue;
    if (ofName.length >= SAME_NAME_MAX) throw refuse(`tools[${String(index)}].function.name`, 'is used too often');
    known.set(tool.name, [...ofName, tool]);
  }
  return [...known.values()].flat().map((tool) => ({ ...tool, name: names.add(tool.name) }));
}

function toolOf(tool: unknown, at: string, vendor: Vendor): LanguageModelV4FunctionTool {
  const called = isRecord(tool) ? tool['function'] : null;
  if (!isRecord(tool) || !isRecord(called)) throw refuse(`${at}.type`, 'only function tools are supported');
  const { name, description, parameters, strict } = called;
  if (typeof name !== 'string' || name === '') throw refuse(`${at}.function.name`, 'must be a name');
  return {
    type: 'function',
    name,
    inputSchema: objectSchema(parameters, `${at}.function.parameters`),
    ...(typeof description === 'string' ? { description } : {}),
    ...(typeof strict === 'boolean' ? { strict } : {}),
    ...providerOptions(called, vendor),
    ...providerOptions(tool, vendor),
  };
}

function toolChoiceOf(
  value: unknown,
  tools: readonly LanguageModelV4FunctionTool[],
  names: ToolNames,
): LanguageModelV4ToolChoice | null {
  if (value === undefined || value === null) return null;
  if (value === 'auto' || value === 'none' || value === 'required') return { type: value };
  const called = isRecord(value) ? value['function'] : null;
  const name = isRecord(called) ? called['name'] : null;
  if (typeof name !== 'string') throw refuse('tool_choice', 'must be auto, none, required or a function');
  const toolName = names.of(name);
  if (!tools.some((tool) => tool.name === toolName)) throw refuse('tool_choice', `there is no tool named ${name}`);
  return { type: 'tool', toolName };
}

function responseFormatOf(value: unknown): Format | null {
  if (!isRecord(value) || value['type'] === 'text') return null;
  if (value['type'] === 'json_object') return { type: 'json' };
  if (value['type'] !== 'json_schema') throw refuse('response_format.type', 'must be text, json_object or json_schema');
  const asked = value['json_schema'];
  const schema = isRecord(asked) ? asked['schema'] : null;
  if (!isRecord(asked) || !isRecord(schema)) throw refuse('response_format.json_schema.schema', 'must be an object');
  const { name, description } = asked;
  return {
    type: 'json',
    schema,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof description === 'string' ? { description } : {}),
  };
}

/** `reasoning_effort`, or the effort of OpenRouter's `reasoning`. */
function effortOf(body: Readonly<JsonRecord>): Effort | null {
  const nested = isRecord(body['reasoning']) ? body['reasoning']['effort'] : null;
  const effort = body['reasoning_effort'] ?? nested ?? null;
  if (effort === null) return null;
  const text = textOf(effort);
  if (!EFFORTS.has(text)) throw refuse('reasoning_effort', `must be one of ${[...EFFORTS].join(', ')}`);
  return text as Effort;
}
