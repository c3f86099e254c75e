import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { refuse } from '../translated/refuse.js';
import { matchesPattern, patternTexts } from './pattern-text.js';
import { listOf, recordOf } from './schema-check.js';
import { fixedText } from './sample-texts.js';
import { sampleOf } from './schema-sample.js';

/** `legacy`: a function of `functions`, which is what tools were called before. */
export type ToolKind = 'function' | 'custom' | 'legacy';

export interface SandboxToolCall {
  kind: ToolKind;
  name: string;
  /** Arguments as JSON text, or the text that a custom tool takes. */
  input: string;
}

interface Tool {
  kind: ToolKind;
  name: string;
  /** Where the request declares it, for refusals. */
  at: string;
  declared: JsonRecord;
}

/** Inputs of a custom tool whose grammar is a regular expression: their length, and how much may be tried. */
const GRAMMAR_BUDGET = { values: 1, chars: 10_000, steps: 100_000 };

/**
 * The call that a request gets: of the tool that it names, else of its first one; `null` when it gets an answer in words.
 * The input is fixed by what the tool declares. Nothing that was said goes into it: an agent may run it unasked.
 * @throws UpstreamFailure `caller_fault` naming what the sandbox cannot do.
 */
export function toolCallOf(body: Readonly<JsonRecord>, hasToolResult: boolean): SandboxToolCall | null {
  const tools = toolsOf(body);
  const tool = chosenTool(body, tools, hasToolResult);
  if (tool === null) return null;
  return { kind: tool.kind, name: tool.name, input: tool.kind === 'custom' ? customInput(tool) : argumentsOf(tool) };
}

function toolsOf(body: Readonly<JsonRecord>): Tool[] {
  const tools = listOf(body['tools']).flatMap((tool, index): Tool[] => {
    const kind = recordOf(tool)['type'] === 'custom' ? 'custom' : 'function';
    const declared = recordOf(tool)[kind];
    return isRecord(declared) ? [toolOf(kind, declared, `tools[${index}].${kind}`)] : [];
  });
  if (tools.length > 0) return tools;
  return listOf(body['functions']).map((declared, index) =>
    toolOf('legacy', recordOf(declared), `functions[${index}]`),
  );
}

function toolOf(kind: ToolKind, declared: JsonRecord, at: string): Tool {
  const name = textOf(declared['name']);
  if (name === '') throw refuse(`${at}.name`, 'must be a name');
  return { kind, name, at, declared };
}

function chosenTool(body: Readonly<JsonRecord>, tools: readonly Tool[], hasToolResult: boolean): Tool | null {
  const field = (body['tool_choice'] ?? null) === null ? 'function_call' : 'tool_choice';
  const choice = body[field] ?? 'auto';
  if (choice === 'none') return null;
  if (choice === 'auto') return hasToolResult ? null : (tools[0] ?? null);
  if (choice === 'required' && field === 'tool_choice') return tools[0] ?? noTool(field);
  const allowed = recordOf(recordOf(choice)['allowed_tools']);
  if (recordOf(choice)['type'] !== 'allowed_tools') return named(choice, tools, field);
  const offered = listOf(allowed['tools']).map((one) => named(one, tools, field));
  const [first = noTool(field)] = offered;
  return allowed['mode'] === 'required' || !hasToolResult ? first : null;
}

function noTool(field: string): never {
  throw refuse(field, 'asks for a tool, and the request declares none');
}

/** The tool that a choice names, in any of the forms that OpenAI takes. */
function named(choice: unknown, tools: readonly Tool[], field: string): Tool {
  const { function: called, custom, name: legacyName } = recordOf(choice);
  const name = recordOf(called ?? custom)['name'] ?? legacyName;
  if (typeof name !== 'string') throw refuse(field, 'must be auto, none, required or name a tool');
  const tool = tools.find((one) => one.name === name);
  if (tool === undefined) throw refuse(field, `there is no tool named ${name}`);
  return tool;
}

function argumentsOf({ declared, at }: Tool): string {
  const parameters = declared['parameters'] ?? {};
  // Arguments are an object, also where a schema leaves the type out.
  const schema = isRecord(parameters) && !('type' in parameters) ? { ...parameters, type: 'object' } : parameters;
  const sampled = sampleOf(schema);
  if (!isRecord(sampled)) throw refuse(`${at}.parameters`, 'the sandbox finds no arguments that fit this schema');
  return JSON.stringify(sampled);
}

function customInput({ declared, at, name }: Tool): string {
  const format = recordOf(declared['format']);
  if (format['type'] !== 'grammar') return fixedText(null, '', 0);
  const { syntax, definition } = recordOf(format['grammar'] ?? format);
  if (syntax !== 'regex')
    throw refuse(`${at}.format`, `the sandbox writes no ${textOf(syntax) || 'such'} grammar for ${name}`);
  // The whole input has to fit.
  const pattern = `^(?:${textOf(definition)})$`;
  const texts = patternTexts(pattern, 0, GRAMMAR_BUDGET);
  for (const text of texts) if (matchesPattern(pattern, text, { ...GRAMMAR_BUDGET })) return text;
  throw refuse(`${at}.format`, 'the sandbox finds no text that fits this expression');
}
