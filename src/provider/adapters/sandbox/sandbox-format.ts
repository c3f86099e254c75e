import { isRecord, type JsonRecord } from '../../domain/json.js';
import { refuse } from '../translated/refuse.js';
import { sampleOf } from './schema-sample.js';

const SCHEMA_CHARS_MAX = 65_536;
const TRIES_MAX = 20;

/**
 * The answer in the JSON that a request asks for; `null` when it may be words.
 * @param texts of all messages: with `json_object` the schema may stand in one of them.
 * @param introduction says that no model was called, where no schema says what the answer looks like.
 * @throws UpstreamFailure `caller_fault` for a format, or a schema, that the sandbox cannot serve.
 */
export function jsonAnswer(body: Readonly<JsonRecord>, texts: readonly string[], introduction: string): string | null {
  const format = body['response_format'] ?? null;
  if (!isRecord(format) || format['type'] === 'text') return null;
  if (format['type'] === 'json_object') {
    const schema = texts.map(schemaIn).findLast((found) => found !== null) ?? null;
    const sample = schema === null ? undefined : sampleOf(schema);
    return JSON.stringify(isRecord(sample) ? sample : { sandbox: true, message: introduction });
  }
  if (format['type'] !== 'json_schema')
    throw refuse('response_format.type', 'must be text, json_object or json_schema');
  const asked = format['json_schema'];
  const schema = isRecord(asked) ? asked['schema'] : null;
  const at = 'response_format.json_schema.schema';
  if (!isRecord(schema)) throw refuse(at, 'must be an object');
  const sample = sampleOf(schema);
  if (sample === undefined) throw refuse(at, 'the sandbox finds no value that fits this schema');
  return JSON.stringify(sample);
}

/** The first JSON schema of an object that a text has in it. */
function schemaIn(text: string): JsonRecord | null {
  let tries = 0;
  for (let at = text.indexOf('{'); at !== -1 && tries < TRIES_MAX; at = text.indexOf('{', at + 1)) {
    tries += 1;
    const value = objectAt(text.slice(at, at + SCHEMA_CHARS_MAX));
    if (isRecord(value) && isRecord(value['properties'])) return value;
  }
  return null;
}

/** The JSON object at the beginning of a text, whatever follows it. */
function objectAt(text: string): unknown {
  const end = endOfObject(text);
  try {
    return end === null ? null : JSON.parse(text.slice(0, end));
  } catch {
    return null;
  }
}

/** Where the brace that a text begins with is closed; braces inside of strings do not count. */
function endOfObject(text: string): number | null {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (isInString && char === '\\') at += 1;
    else if (char === '"') isInString = !isInString;
    else if (char === '{' && !isInString) depth += 1;
    else if (char === '}' && !isInString) depth -= 1;
    if (depth === 0) return at + 1;
  }
  return null;
}
