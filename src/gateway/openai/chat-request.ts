import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { AppError } from '../../platform/errors/index.js';
import { isAutoModel, knobOf } from '../../router/index.js';
import { toDouble } from '../../platform/json/index.js';
import { headSchema, messageSchema, toolSchema, type ChatRequest } from './chat-request.schema.js';
import { isMessage, isTool, withOneFault } from './list-items.js';

/**
 * Fields that would change where a call goes or what it costs. They are refused unless the endpoint enables them.
 * Searching is charged by the search (OpenAI, xAI, Qwen), and speech and pictures at prices of their own.
 */
const GUARDED_FIELDS = [
  'models',
  'base_url',
  'api_base',
  'api_key',
  'provider',
  'route',
  'plugins',
  'transforms',
  'service_tier',
  'web_search_options',
  'search_parameters',
  'enable_search',
  'extra_body',
  'fallbacks',
  'preset',
  'modalities',
  'audio',
] as const;

const NUMBER_FIELDS = ['temperature', 'top_p', 'max_tokens', 'max_completion_tokens', 'n'] as const;

const CALLER_TOOL_TYPES = new Set(['function', 'custom']);

/**
 * Checks the shape of a chat completion.
 * @returns the body itself: unknown fields are kept.
 * @throws AppError `invalid_request` with `param` naming the first faulty field.
 */
export function parseChatRequest(value: unknown): ChatRequest {
  if (value === undefined) throw new AppError('invalid_request', 'the request body is empty', { code: 'body_empty' });
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AppError('invalid_request', 'the request body must be a JSON object', { code: 'invalid_body' });
  }
  readNumbers(value as Record<string, unknown>);
  const issue = firstIssueOf(value);
  if (issue !== null) throw invalidField(issue, value);
  return withKnownKnob(value as ChatRequest);
}

/** Items of lists that may be long, and what each has to be. */
const LISTS = [
  { field: 'messages', isValid: isMessage, schema: messageSchema },
  { field: 'tools', isValid: isTool, schema: toolSchema },
] as const;

/**
 * The first fault by `chatRequestSchema`. The schema itself would look at every item of a list and write an issue for each:
 * seconds for a list of numbers. It is asked about the first faulty item only.
 */
function firstIssueOf(body: object): z.core.$ZodIssue | null {
  const head = headSchema.safeParse(withShortLists(body));
  if (!head.success) return head.error.issues[0] ?? null;
  for (const { field, isValid, schema } of LISTS) {
    const list = (body as Record<string, unknown>)[field];
    const at = Array.isArray(list) ? list.findIndex((item: unknown) => !isValid(item)) : -1;
    if (at === -1) continue;
    const { item, partAt } = withOneFault((list as unknown[])[at]);
    const issue = schema.safeParse(item).error?.issues[0];
    if (issue !== undefined) return placed(innermost(issue), [field, at], partAt);
  }
  return null;
}

/** A way of choosing that does not exist is a fault of the request, whatever the key may call. */
function withKnownKnob(body: ChatRequest): ChatRequest {
  if (typeof body.model === 'string' && isAutoModel(body.model)) knobOf(body.model);
  return body;
}

/** What the gateway reads itself it reads as a double, as it always did. */
function readNumbers(body: Record<string, unknown>): void {
  for (const field of NUMBER_FIELDS) if (typeof body[field] === 'object') body[field] = toDouble(body[field]);
}

/** Where the value has one of several shapes but for a fault inside it, that fault. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const inner = issue.errors.flatMap(([first]) => (first !== undefined && first.path.length > 0 ? [first] : []));
  return inner[0] === undefined ? issue : innermost({ ...inner[0], path: [...issue.path, ...inner[0].path] });
}

/** An issue of one item at its place in the body; of the parts of a message only the faulty one was looked at. */
function placed(issue: z.core.$ZodIssue, place: readonly PropertyKey[], partAt: number): z.core.$ZodIssue {
  const path = issue.path.map((step, at) => (at === 1 && issue.path[0] === 'content' ? partAt : step));
  return { ...issue, path: [...place, ...path] };
}

/** The body with at most one item in each list: the schema copies what it checks. */
function withShortLists(body: object): object {
  const short: Record<string, unknown> = { ...body };
  for (const { field } of LISTS) if (Array.isArray(short[field])) short[field] = short[field].slice(0, 1);
  return short;
}

function invalidField(issue: z.core.$ZodIssue, body: object): AppError {
  const param = paramOf(issue.path);
  const missing = issue.path.length === 1 && ((body as Record<string, unknown>)[param] ?? null) === null;
  const message = missing ? `missing required parameter: '${param}'` : `invalid value for '${param}': ${issue.message}`;
  return new AppError('invalid_request', message, {
    code: missing ? 'missing_required_parameter' : 'invalid_value',
    param,
  });
}

/** `messages[0].role`, as OpenAI writes it. */
function paramOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}

/**
 * What a guarded field says when it is left out: a `service_tier` of "auto", "default" being the normal price, no search, text as
 * the only kind of output.
 */
function isUsual(name: string, value: unknown): boolean {
  if (name === 'service_tier') return value === 'auto' || value === 'default';
  if (name === 'modalities') return Array.isArray(value) && value.every((kind) => kind === 'text');
  return name === 'enable_search' && value === false;
}

/** A guarded field that a body uses. */
export interface GuardedField {
  /** As endpoints enable it; hosted tools are `tools`. */
  name: string;
  /** Where it is, e.g. `tools[1].type`. */
  param: string;
  /** The type of a hosted tool. */
  hostedTool?: string;
}

/** The guarded fields that a body uses. */
export function guardedFieldsOf(body: ChatRequest): GuardedField[] {
  const used: GuardedField[] = GUARDED_FIELDS.filter((name) => {
    const value = body[name];
    return value !== undefined && value !== null && !isUsual(name, value);
  }).map((name) => ({ name, param: name }));
  const at = body.tools?.findIndex((tool) => !CALLER_TOOL_TYPES.has(tool.type)) ?? -1;
  const hosted = body.tools?.[at];
  if (hosted !== undefined) used.push({ name: 'tools', param: `tools[${at}].type`, hostedTool: hosted.type });
  return used;
}

/** OpenAI itself refuses the older name for its newer models; others may not know the newer one. */
const KNOWS_NEWER_NAME = /^https:\/\/([\w-]+\.)*(openai\.com|openai\.azure\.com)(:\d+)?(\/|$)/;

/**
 * The body as the provider gets it: gateway-only fields removed, everything else untouched.
 * @param clampTokens most output tokens a choice that are paid for; `null`: no limit but the caller's own.
 * @param baseUrls of the endpoints that may get it.
 */
export function upstreamBodyOf(
  body: ChatRequest,
  clampTokens: number | null = null,
  baseUrls: readonly string[] = [],
): Record<string, unknown> {
  const rest: Record<string, unknown> = { ...body };
  delete rest['tier'];
  if (clampTokens === null) return rest;
  const given = (['max_tokens', 'max_completion_tokens'] as const).filter((field) => typeof body[field] === 'number');
  const newer = baseUrls.length > 0 && baseUrls.every((url) => KNOWS_NEWER_NAME.test(url));
  const unnamed = newer ? 'max_completion_tokens' : 'max_tokens';
  for (const field of given.length > 0 ? given : [unnamed]) {
    const own = body[field];
    rest[field] = typeof own === 'number' ? Math.min(clampTokens, own) : clampTokens;
  }
  return rest;
}

/** What a model must be able to do for this request. */
export function capabilitiesOf(body: ChatRequest): { tools: boolean; vision: boolean; jsonSchema: boolean } {
  return {
    // `functions` is what tools were called before.
    tools: (body.tools?.length ?? 0) > 0 || (Array.isArray(body['functions']) && body['functions'].length > 0),
    vision: body.messages.some(
      (message) => Array.isArray(message.content) && message.content.some((part) => part.type === 'image_url'),
    ),
    jsonSchema: body.response_format?.type === 'json_schema',
  };
}

/** Whether the caller says by `user` which session a request belongs to. */
export function namesSession({ user }: ChatRequest): boolean {
  return typeof user === 'string' && user !== '';
}

/**
 * Identifies the conversation for sticky routing: `user`, else a hash of the first system and first user message. It is
 * scoped by the key, so that two callers never share a session.
 */
export function sessionKeyOf(body: ChatRequest, apiKeyId: string): string {
  if (namesSession(body)) return `${apiKeyId}:u:${body.user}`;
  const hash = createHash('sha256');
  for (const role of ['system', 'user']) {
    const first = body.messages.find((message) => message.role === role);
    hash.update(`${role}:${first === undefined ? '' : textOf(first.content)}\n`);
  }
  return `${apiKeyId}:h:${hash.digest('base64url')}`;
}

const SESSION_TEXT_MAX_CHARS = 16_384;

function textOf(content: ChatRequest['messages'][number]['content']): string {
  if (typeof content === 'string') return content.slice(0, SESSION_TEXT_MAX_CHARS);
  const part = content?.find((item) => item.type === 'text');
  return typeof part?.text === 'string' ? part.text.slice(0, SESSION_TEXT_MAX_CHARS) : '';
}
