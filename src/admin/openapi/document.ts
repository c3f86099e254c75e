import { STATUS_CODES } from 'node:http';
import type { z } from 'zod';
import type { CatalogRoute, OperationSpec } from '../../platform/openapi/index.js';
import { PATH_PARAMS } from '../http/path-params.js';
import { ERROR_SHAPES } from './error-answers.js';
import { errorStatusesOf } from './error-statuses.js';
import { SchemaBook, type JsonSchema } from './schema-book.js';
import { tagText } from './tag-texts.js';

export interface OpenApiDocument {
  openapi: '3.1.0';
  info: Record<string, unknown>;
  servers: { url: string }[];
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, OpenApiOperation>>;
  components: Record<string, unknown>;
}

export interface OpenApiOperation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters: OpenApiParameter[];
  security: Record<string, string[]>[];
  responses: Record<string, Record<string, unknown>>;
  description?: string;
  requestBody?: Record<string, unknown>;
}

export interface OpenApiParameter {
  name: string;
  in: 'path' | 'query' | 'header';
  required: boolean;
  schema: JsonSchema;
  description?: string;
}

type DocumentedRoute = CatalogRoute & { operation: OperationSpec };

const SECURITY_SCHEMES = {
  adminToken: { type: 'http', scheme: 'bearer', description: 'Admin token (`ja_…`).' },
  apiKey: { type: 'http', scheme: 'bearer', description: 'API key (`jt_…`).' },
  apiKeyHeader: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'API key; wins over the bearer one.' },
};

/** The OpenAPI 3.1 document of the routes that declare an operation. */
export function buildDocument(routes: readonly CatalogRoute[], version: string): OpenApiDocument {
  const documented = routes.filter((route): route is DocumentedRoute => route.operation !== null);
  const book = new SchemaBook();
  const paths: OpenApiDocument['paths'] = {};
  for (const route of documented) {
    const path = (paths[openApiPath(route.path)] ??= {});
    path[route.method.toLowerCase()] = operationObject(route, book);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'joytoken-gateway',
      version,
      description: 'OpenAI-compatible gateway with prepaid wallets.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/' }],
    tags: [...new Set(documented.map((route) => route.operation.tag))].map((name) => ({
      name,
      description: tagText(name),
    })),
    paths,
    components: { securitySchemes: SECURITY_SCHEMES, responses: errorResponses(book), schemas: book.components() },
  };
}

/** `/accounts/:id` → `/accounts/{id}`; the rest of a path (`*`) has the name `path`. */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}').replace(/\*\w*$/, '{path}');
}

function operationObject(route: DocumentedRoute, book: SchemaBook): OpenApiOperation {
  const { operation } = route;
  return {
    operationId: operationId(route),
    summary: operation.summary,
    ...descriptionOf(operation.description),
    tags: [operation.tag],
    parameters: parametersOf(route, book),
    ...(operation.body === undefined ? {} : { requestBody: jsonBody(book, operation.body) }),
    security: securityOf(route),
    responses: responsesOf(route, book),
  };
}

/** `AccountsController.create` below `/admin` → `admin_accounts_create`. */
function operationId(route: CatalogRoute): string {
  const door = route.path.split('/')[1] ?? '';
  const resource = route.controller.replace(/Controller$/, '');
  return `${door}_${resource.charAt(0).toLowerCase()}${resource.slice(1)}_${route.handler}`;
}

function descriptionOf(description: string | undefined): { description?: string } {
  return description === undefined ? {} : { description };
}

function jsonBody(book: SchemaBook, body: z.ZodType): Record<string, unknown> {
  const required = !body.safeParse(undefined).success;
  return { required, content: { 'application/json': { schema: book.input(body) } } };
}

function parametersOf(route: DocumentedRoute, book: SchemaBook): OpenApiParameter[] {
  return [
    ...pathParameters(route.path, book),
    ...objectParameters('query', route.operation.query, book),
    ...objectParameters('header', route.operation.headers, book),
  ];
}

function pathParameters(path: string, book: SchemaBook): OpenApiParameter[] {
  const names = [...openApiPath(path).matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '');
  return names.map((name) => {
    const known = path.startsWith('/admin/v1/') ? PATH_PARAMS[name] : undefined;
    return { name, in: 'path', required: true, schema: known === undefined ? { type: 'string' } : book.input(known) };
  });
}

function objectParameters(
  place: 'query' | 'header',
  schema: z.ZodObject | undefined,
  book: SchemaBook,
): OpenApiParameter[] {
  if (schema === undefined) return [];
  const json = book.input(schema);
  const required = new Set((json['required'] ?? []) as string[]);
  return Object.entries((json['properties'] ?? {}) as Record<string, JsonSchema>).map(([name, field]) => {
    const { description, ...rest } = field;
    const described = descriptionOf(typeof description === 'string' ? description : undefined);
    return { name, in: place, required: required.has(name), ...described, schema: rest };
  });
}

function securityOf(route: CatalogRoute): Record<string, string[]>[] {
  if (route.access?.kind === 'admin') return [{ adminToken: [] }];
  if (route.operation?.forObservers === true) return [{ adminToken: [] }];
  if (route.access?.kind === 'api_key') return [{ apiKey: [] }, { apiKeyHeader: [] }];
  return [];
}

function responsesOf(route: DocumentedRoute, book: SchemaBook): OpenApiOperation['responses'] {
  const { response, streams = false, otherTypes = [], status = 200 } = route.operation;
  const description = STATUS_CODES[status] ?? 'Success';
  const json = response === undefined ? {} : { 'application/json': { schema: book.output(response) } };
  const texts = [...(streams ? ['text/event-stream'] : []), ...otherTypes];
  const content = { ...json, ...Object.fromEntries(texts.map((type) => [type, { schema: { type: 'string' } }])) };
  return {
    [status]: { description, ...answerHeaders(route), ...(Object.keys(content).length === 0 ? {} : { content }) },
    ...(isVersionedRead(route) ? { 304: { description: STATUS_CODES[304] ?? '' } } : {}),
    ...Object.fromEntries(errorStatusesOf(route).map((one) => [one, errorAnswer(errorShapeOf(route.path), one)])),
    default: { $ref: `#/components/responses/${errorShapeOf(route.path)}` },
  };
}

function answerHeaders({ operation }: DocumentedRoute): Record<string, unknown> {
  const headers = Object.entries(operation.answerHeaders ?? {});
  if (headers.length === 0) return {};
  const objects = headers.map(([name, description]) => [name, { description, schema: { type: 'string' } }]);
  return { headers: Object.fromEntries(objects) as Record<string, unknown> };
}

function isVersionedRead({ operation }: DocumentedRoute): boolean {
  return 'If-None-Match' in (operation.headers?.shape ?? {});
}

/** The error of a door under one status; those that say when to come back do so in a header. */
function errorAnswer(name: string, status: number): Record<string, unknown> {
  const shape = ERROR_SHAPES.find((one) => one.name === name);
  const description = STATUS_CODES[status] ?? 'Error';
  const retryAfter = { 'Retry-After': { description: 'Seconds to wait.', schema: { type: 'integer' } } };
  return {
    description,
    ...(status === 429 || status === 503 ? { headers: retryAfter } : {}),
    content: { [shape?.contentType ?? 'application/json']: { schema: { $ref: `#/components/schemas/${name}` } } },
  };
}

function errorShapeOf(path: string): string {
  return ERROR_SHAPES.find((shape) => path.startsWith(shape.prefix))?.name ?? 'OpenAiError';
}

function errorResponses(book: SchemaBook): Record<string, unknown> {
  return Object.fromEntries(
    ERROR_SHAPES.map(({ name, contentType, schema }) => [
      name,
      {
        description: 'The request was refused or failed.',
        content: { [contentType]: { schema: book.output(schema) } },
      },
    ]),
  );
}
