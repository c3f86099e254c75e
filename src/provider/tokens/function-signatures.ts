import { isRecord, textOf, type JsonRecord } from '../domain/json.js';

/** Deeper parts of a schema are not shown; real ones have a few levels. */
const DEPTH_MAX = 12;

/**
 * The functions of a request as OpenAI's models are shown them: signatures in a namespace, with descriptions as comments.
 * Vendors count the tokens of this text, not of the JSON.
 */
export function functionSignatures(functions: readonly JsonRecord[]): string {
  const lines = ['namespace functions {', ''];
  for (const declared of functions) {
    const description = textOf(declared['description']);
    if (description !== '') lines.push(`// ${description}`);
    const parameters = declared['parameters'];
    const members = isRecord(parameters) ? memberLines(parameters, 0) : [];
    const name = textOf(declared['name']);
    if (members.length === 0) lines.push(`type ${name} = () => any;`, '');
    else lines.push(`type ${name} = (_: {`, ...members, '}) => any;', '');
  }
  lines.push('} // namespace functions');
  return lines.join('\n');
}

function memberLines(schema: JsonRecord, depth: number): string[] {
  const { properties, required } = schema;
  if (!isRecord(properties) || depth > DEPTH_MAX) return [];
  const needed = new Set(Array.isArray(required) ? (required as unknown[]) : []);
  return Object.entries(properties).flatMap(([name, member]) => {
    if (!isRecord(member)) return [];
    const description = textOf(member['description']);
    const line = `${name}${needed.has(name) ? '' : '?'}: ${typeText(member, depth)},`;
    return description === '' ? [line] : [`// ${description}`, line];
  });
}

function typeText(schema: JsonRecord, depth: number): string {
  const { type, items } = schema;
  const choices = schema['enum'];
  if (Array.isArray(choices)) return choices.map((value) => JSON.stringify(value)).join(' | ');
  const options = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(options) && depth <= DEPTH_MAX) {
    return options.map((option) => (isRecord(option) ? typeText(option, depth + 1) : 'any')).join(' | ');
  }
  if (Array.isArray(type)) return type.map((one) => scalarText(one)).join(' | ');
  if (type === 'array') return `${isRecord(items) && depth <= DEPTH_MAX ? typeText(items, depth + 1) : 'any'}[]`;
  if (type !== 'object') return scalarText(type);
  return ['{', ...memberLines(schema, depth + 1), '}'].join('\n');
}

function scalarText(type: unknown): string {
  if (type === 'integer') return 'number';
  return type === 'string' || type === 'number' || type === 'boolean' || type === 'null' ? type : 'any';
}
