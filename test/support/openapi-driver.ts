import { z } from 'zod';

export type Schema = Record<string, unknown>;

export interface DocumentedOperation {
  operationId: string;
  parameters: { name: string; in: string; required: boolean; schema: Schema }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Schema }> }>;
  security: Record<string, string[]>[];
}

export interface ApiDocument {
  paths: Record<string, Record<string, DocumentedOperation>>;
  components: { schemas: Record<string, Schema> };
}

/** One operation, called and judged by nothing but the document. */
export interface DrivenCall {
  name: string;
  status: number;
  body: unknown;
  /** What contradicts the document; empty when nothing does. */
  faults: string[];
}

export interface Credentials {
  adminToken: string;
  apiKey: string;
}

interface Operation {
  method: string;
  path: string;
  spec: DocumentedOperation;
}

const UNKNOWN_ID = '01980000-0000-7000-8000-000000000001';
/** Tried in this order where a schema gives no example: the first that its pattern and lengths allow. */
const TEXTS = ['example', UNKNOWN_ID, `gwr_${'0'.repeat(32)}`, '2099-01-01T00:00:00Z', '1', 'a@b', 'MQ'];
/** Creations first, then reads, changes and actions; removals last. */
const METHOD_ORDER = ['POST', 'GET', 'PATCH', 'PUT', 'DELETE'];

/** Calls every operation of an OpenAPI document, with requests that are made from the document alone. */
export class OpenApiDriver {
  /** Id of the newest resource by the path that made it. */
  private readonly made = new Map<string, string>();
  private calls = 0;

  constructor(
    private readonly url: string,
    private readonly document: ApiDocument,
    private readonly credentials: Credentials,
  ) {}

  /** @returns what became of each operation, in the order of the calls. */
  async run(): Promise<DrivenCall[]> {
    const results: DrivenCall[] = [];
    for (const operation of this.operations()) results.push(await this.call(operation));
    return results;
  }

  /** Whether a value is as a schema of the document says; its faults otherwise. */
  faultsOf(schema: Schema, value: unknown): string[] {
    const whole = { ...schema, $defs: this.document.components.schemas };
    const text = JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/');
    const parsed = z.fromJSONSchema(JSON.parse(text) as z.core.JSONSchema.JSONSchema).safeParse(value);
    return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  }

  private operations(): Operation[] {
    const all = Object.entries(this.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, spec]) => ({ method: method.toUpperCase(), path, spec })),
    );
    const rank = ({ method, path, spec }: Operation): number =>
      METHOD_ORDER.indexOf(method) * 100 + path.split('{').length * 10 + this.referencesOf(spec).length;
    return all.sort((left, right) => rank(left) - rank(right));
  }

  /** Required fields of a body that name another resource. */
  private referencesOf(spec: DocumentedOperation): string[] {
    const schema = spec.requestBody?.content['application/json']?.schema;
    return ((schema?.['required'] ?? []) as string[]).filter((name) => name.endsWith('_id'));
  }

  private async call(operation: Operation): Promise<DrivenCall> {
    const { method, path, spec } = operation;
    const body = spec.requestBody?.content['application/json']?.schema;
    const response = await fetch(this.url + this.pathOf(operation), {
      method,
      headers: this.headersOf(operation),
      ...(body === undefined ? {} : { body: JSON.stringify(this.valueOf(body, path)) }),
    });
    const text = await response.text();
    const json = /json/.test(response.headers.get('content-type') ?? '');
    const answer: unknown = text === '' ? undefined : json ? JSON.parse(text) : text;
    this.note(operation, response.status, answer);
    return {
      name: `${method} ${path}`,
      status: response.status,
      body: answer,
      faults: this.judge(spec, response, answer),
    };
  }

  private judge(spec: DocumentedOperation, response: Response, answer: unknown): string[] {
    const documented = spec.responses[response.status.toString()];
    if (documented === undefined) return [`status ${response.status.toString()} is not documented`];
    const type = (response.headers.get('content-type') ?? '').split(';', 1)[0] ?? '';
    // Only JSON is described; other media types, such as metrics, stand without a schema.
    if (documented.content === undefined) return typeof answer === 'object' ? ['a body that is not documented'] : [];
    const schema = documented.content[type]?.schema;
    if (schema === undefined) return [`content type ${type} is not documented`];
    return this.faultsOf(schema, answer);
  }

  private note({ method, path }: Operation, status: number, answer: unknown): void {
    if (method !== 'POST' || status !== 201) return;
    const { id, account_id: accountId } = answer as { id?: string; account_id?: string };
    const known = id ?? accountId;
    if (known !== undefined) this.made.set(path, known);
  }

  /** A parameter names what was made at the path before it. */
  private pathOf({ path, spec }: Operation): string {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const schema = spec.parameters.find((parameter) => parameter.name === name)?.schema ?? {};
      const collection = path.slice(0, path.indexOf(`/{${name}}`));
      return encodeURIComponent(this.made.get(collection) ?? String(this.valueOf(schema, name)));
    });
    const query = spec.parameters.filter((parameter) => parameter.in === 'query' && parameter.required);
    const pairs = query.map(({ name, schema }) => `${name}=${encodeURIComponent(String(this.valueOf(schema, name)))}`);
    return pairs.length === 0 ? filled : `${filled}?${pairs.join('&')}`;
  }

  private headersOf({ spec }: Operation): Record<string, string> {
    const schemes = new Set(spec.security.flatMap((one) => Object.keys(one)));
    const token = schemes.has('adminToken') ? this.credentials.adminToken : this.credentials.apiKey;
    const required = spec.parameters.filter((parameter) => parameter.in === 'header' && parameter.required);
    this.calls += 1;
    return {
      'content-type': 'application/json',
      ...(schemes.size === 0 ? {} : { authorization: `Bearer ${token}` }),
      ...Object.fromEntries(required.map(({ name }) => [name, `driver ${this.calls.toString()}`])),
    };
  }

  /** The least value that a schema allows; an example where it has one. */
  private valueOf(schema: Schema, name: string): unknown {
    const { $ref, examples, default: preset, enum: values, anyOf, oneOf, type } = schema;
    if (typeof $ref === 'string') return this.valueOf(this.named($ref), name);
    if (Array.isArray(examples)) return examples[0];
    if ('const' in schema) return schema['const'];
    if (Array.isArray(values)) return values[0];
    if (preset !== undefined) return preset;
    const [first] = ((anyOf ?? oneOf) as Schema[] | undefined) ?? [];
    if (first !== undefined) return this.valueOf(first, name);
    const kind = Array.isArray(type) ? String(type[0]) : type;
    if (kind === 'object') return this.objectOf(schema);
    if (kind === 'array') return this.arrayOf(schema, name);
    if (kind === 'integer' || kind === 'number') return Math.max(Number(schema['minimum'] ?? 1), 1);
    if (kind === 'boolean') return false;
    return this.textOf(schema, name);
  }

  /** Required fields, and optional ones up to `minProperties`, those first that refer to nothing. */
  private objectOf(schema: Schema): Record<string, unknown> {
    const properties = Object.entries((schema['properties'] ?? {}) as Record<string, Schema>);
    const names = new Set((schema['required'] ?? []) as string[]);
    const optional = properties.filter(([name]) => !names.has(name) && !name.endsWith('_id'));
    const missing = Math.max(0, Number(schema['minProperties'] ?? 0) - names.size);
    for (const [name] of optional.slice(0, missing)) names.add(name);
    const chosen = properties.filter(([name]) => names.has(name));
    return Object.fromEntries(chosen.map(([name, field]) => [name, this.valueOf(field, name)]));
  }

  private arrayOf(schema: Schema, name: string): unknown[] {
    const count = Number(schema['minItems'] ?? 0);
    return Array.from({ length: count }, () => this.valueOf((schema['items'] ?? {}) as Schema, name));
  }

  /** `owner_account_id` is the id of what `/…/accounts` has made. */
  private textOf(schema: Schema, name: string): string {
    const noun = /([a-z]+)_id$/.exec(name)?.[1]?.replace(/y$/, 'ie');
    const collection =
      noun === undefined ? undefined : [...this.made.keys()].find((path) => path.endsWith(`/${noun}s`));
    if (collection !== undefined) return this.made.get(collection) ?? UNKNOWN_ID;
    const pattern = new RegExp(typeof schema['pattern'] === 'string' ? schema['pattern'] : '', 'u');
    const fits = (text: string): boolean =>
      pattern.test(text) &&
      text.length >= Number(schema['minLength'] ?? 0) &&
      text.length <= Number(schema['maxLength'] ?? 1e9);
    return TEXTS.find(fits) ?? 'example';
  }

  private named(reference: string): Schema {
    return this.document.components.schemas[reference.split('/').at(-1) ?? ''] ?? {};
  }
}
