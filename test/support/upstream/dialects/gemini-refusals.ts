import { isRecord, recordsOf, SIGNATURE, type ChatBody, type JsonRecord } from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { CallFacts, Refusal } from '../dialect.js';

const STATUSES: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  499: 'CANCELLED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

const FIELDS: ReadonlySet<string> = new Set([
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'generationConfig',
  'safetySettings',
  'cachedContent',
  'labels',
  'serviceTier',
]);

/** Those that open: this model's own, and the word for a turn that another model has made. */
const SIGNATURES: ReadonlySet<unknown> = new Set([SIGNATURE, 'skip_thought_signature_validator']);

/** Kinds of a part; exactly one of them says what it is. */
const PART_KINDS = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
];

/** An error as Google words it; how long to wait is in the details, not in a header. */
export function geminiError(code: number, message: string, retryAfterS: number | null = null, reason = ''): Refusal {
  const status = STATUSES[code] ?? (code >= 500 ? 'UNKNOWN' : 'INVALID_ARGUMENT');
  const details = [
    ...(retryAfterS === null
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${String(retryAfterS)}s` }]),
    ...(reason === ''
      ? []
      : [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' }]),
  ];
  const error = { code, message, status, ...(details.length === 0 ? {} : { details }) };
  return { status: code, body: JSON.stringify({ error }) };
}

/** What the API refuses whatever the model. */
export function checkGemini(body: JsonRecord | null, { headers, path, query }: CallFacts): Refusal | null {
  if (headers['x-goog-api-key'] === undefined) {
    return geminiError(403, "Method doesn't allow unregistered callers. Please use API Key.");
  }
  if (headers['authorization'] !== undefined)
    return geminiError(401, 'Request had invalid authentication credentials.');
  if (query.has('key')) return geminiError(400, 'Multiple authentication credentials received.');
  if (path.endsWith('/models')) return null;
  if (body === null) return geminiError(400, 'Invalid JSON payload received.');
  if (path.endsWith(':streamGenerateContent') && query.get('alt') !== 'sse') {
    return geminiError(400, 'this upstream streams server-sent events only');
  }
  const wrong = wrongField(body) ?? wrongContents(recordsOf(body['contents'])) ?? wrongTools(body);
  return wrong === null ? null : geminiError(400, wrong);
}

/** What only some models refuse. */
export function refuseGemini(behaviour: Behaviour, body: ChatBody): Refusal | null {
  switch (behaviour.name) {
    case 'bad-key':
      return geminiError(400, 'API key not valid. Please pass a valid API key.', null, 'API_KEY_INVALID');
    case 'no-credit':
      return geminiError(429, 'Your prepayment credits are depleted.');
    case 'spent-limit':
      return geminiError(400, 'Your project has exceeded its monthly spending cap.');
    case 'wrong-model':
      return geminiError(400, 'models/m is not found for API version v1beta, or the model is not supported.');
    case 'context-length':
      return geminiError(
        400,
        'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).',
      );
    case 'signed':
      if (!body.hasToolResult || signatureComesBack(body)) return null;
      return geminiError(400, 'Function call is missing a thought_signature in functionCall parts.');
    default:
      return null;
  }
}

function wrongField(body: JsonRecord): string | null {
  const unknown = Object.keys(body).find((field) => !FIELDS.has(field));
  return unknown === undefined ? null : `Invalid JSON payload received. Unknown name "${unknown}": Cannot find field.`;
}

function wrongContents(contents: readonly JsonRecord[]): string | null {
  if (contents.length === 0) return '* GenerateContentRequest.contents: contents is not specified';
  let asked = 0;
  let before: unknown = null;
  for (const [at, content] of contents.entries()) {
    const where = `GenerateContentRequest.contents[${String(at)}]`;
    const role = content['role'];
    if (role !== undefined && role !== 'user' && role !== 'model') return 'Please use a valid role: user, model.';
    const parts = recordsOf(content['parts']);
    if (parts.length === 0) return `* ${where}.parts: contents.parts must not be empty.`;
    if (parts.some((part) => PART_KINDS.filter((kind) => kind in part).length !== 1)) {
      return `* ${where}.parts: required oneof field 'data' must have one initialized field`;
    }
    const answers = parts.filter((part) => isRecord(part['functionResponse']));
    if (answers.length !== asked && (answers.length > 0 || asked > 0)) {
      return 'Please ensure that the number of function response parts is equal to the number of function call parts.';
    }
    if (answers.some(({ functionResponse }) => !isRecord((functionResponse as JsonRecord)['response']))) {
      return `Invalid value at '${where}.parts[0].function_response.response' (type.googleapis.com/google.protobuf.Struct)`;
    }
    if (parts.some(({ thoughtSignature }) => thoughtSignature !== undefined && !SIGNATURES.has(thoughtSignature)))
      return 'Corrupted thought signature.';
    asked = parts.filter((part) => 'functionCall' in part).length;
    if (asked > 0 && before !== 'user')
      return 'Please ensure that function call turn comes immediately after a user turn or after a function response turn.';
    before = role;
  }
  return null;
}

function wrongTools(body: JsonRecord): string | null {
  const names = recordsOf(body['tools']).flatMap((tool) =>
    recordsOf(tool['functionDeclarations']).map(({ name }) => String(name)),
  );
  const twice = names.find((name, at) => names.indexOf(name) < at);
  if (twice !== undefined) return `Duplicate function declaration found: ${twice}`;
  for (const tool of recordsOf(body['tools'])) {
    if ('function' in tool)
      return 'Invalid JSON payload received. Unknown name "function" at \'tools[0]\': Cannot find field.';
    for (const { name, parameters, parametersJsonSchema: schema = parameters } of recordsOf(
      tool['functionDeclarations'],
    )) {
      if (!/^[a-zA-Z_][\w.:-]{0,63}$/.test(String(name))) return 'Invalid function name.';
      if (isRecord(schema) && schema['type'] !== 'object')
        return `* GenerateContentRequest.tools[0].function_declarations[0].parameters: schema should be of type OBJECT`;
    }
  }
  return null;
}

/** Each turn that calls carries its signature at its first call, or the word that it has none. */
function signatureComesBack({ json }: ChatBody): boolean {
  const turns = recordsOf(json['contents'])
    .map((content) => recordsOf(content['parts']).filter((part) => 'functionCall' in part))
    .filter(({ length }) => length > 0);
  return turns.every(([first]) => SIGNATURES.has(first?.['thoughtSignature']));
}
