import { AdminApp } from './admin.app.js';

interface Operation {
  operationId: string;
  summary: string;
  tags: string[];
  parameters: { name: string; in: string; required: boolean; schema: unknown }[];
  requestBody?: { content: Record<string, { schema: Record<string, unknown> }> };
  responses: Record<string, unknown>;
  security: Record<string, string[]>[];
}

interface Document {
  openapi: string;
  info: { title: string; version: string };
  paths: Record<string, Record<string, Operation>>;
  components: {
    schemas: Record<string, unknown>;
    responses: Record<string, unknown>;
    securitySchemes: Record<string, unknown>;
  };
}

/** The viewer itself and the answer to browsers' preflights are no operations. */
const UNDOCUMENTED = ['GET /docs', 'GET /docs/assets/{name}', 'OPTIONS /api/v1/models'];
const METHODS = ['get', 'post', 'patch', 'put', 'delete', 'options', 'head'];

describe('the API document', () => {
  let app: AdminApp;
  let document: Document;
  let operations: { name: string; path: string; method: string; operation: Operation }[];

  beforeAll(async () => {
    app = await AdminApp.start();
    const response = await fetch(`${app.url}/docs/openapi.json`);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    document = (await response.json()) as Document;
    operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({
        name: `${method.toUpperCase()} ${path}`,
        path,
        method,
        operation,
      })),
    );
  });

  afterAll(async () => app.stop());

  it('describes exactly the routes that the server has', () => {
    const documentPath = (path: string): string => path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{path}');
    // HEAD is wherever GET is.
    const described = app.routes.filter(({ method }) => method !== 'HEAD');
    const registered = described.map(({ method, path }) => `${method} ${documentPath(path)}`);
    const documented = operations.map(({ name }) => name);
    expect([...documented, ...UNDOCUMENTED].sort()).toEqual([...new Set(registered)].sort());
  });

  it('is an OpenAPI 3.1 document: unique ids, known methods, every path parameter declared, answers for every operation', () => {
    expect(document.openapi).toBe('3.1.0');
    expect(document.info).toMatchObject({ title: 'joytoken-gateway' });
    const ids = operations.map(({ operation }) => operation.operationId);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { name, path, method, operation } of operations) {
      const declared = operation.parameters
        .filter((parameter) => parameter.in === 'path')
        .map((parameter) => parameter.name);
      expect([name, declared]).toEqual([name, [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1])]);
      expect([name, METHODS.includes(method), operation.summary !== '', operation.tags.length]).toEqual([
        name,
        true,
        true,
        1,
      ]);
      expect([name, Object.keys(operation.responses).length >= 2]).toEqual([name, true]);
      expect([
        name,
        operation.parameters.every(
          ({ schema, required }) => typeof schema === 'object' && typeof required === 'boolean',
        ),
      ]).toEqual([name, true]);
    }
  });

  it('has no dangling reference and uses every credential that it declares', () => {
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(references.length).toBeGreaterThan(10);
    const dangling = references.filter((reference) => resolve(document, reference) === undefined);
    expect(dangling).toEqual([]);
    const used = operations.flatMap(({ operation }) => operation.security.flatMap((one) => Object.keys(one)));
    expect([...new Set(used)].sort()).toEqual(Object.keys(document.components.securitySchemes).sort());
  });

  it('offers Idempotency-Key on every administrative write, required where money moves', () => {
    const writes = operations.filter(({ path, method }) => path.startsWith('/admin/v1/') && method !== 'get');
    const keyOf = ({ operation }: { operation: Operation }) =>
      operation.parameters.find(({ name, in: place }) => place === 'header' && name === 'Idempotency-Key');
    expect(writes.filter((write) => keyOf(write) === undefined).map(({ name }) => name)).toEqual([]);
    const required = writes
      .filter((write) => keyOf(write)?.required === true)
      .map(({ path }) => path.split('/').at(-1));
    expect(required.sort()).toEqual(['adjustments', 'corrections', 'top-ups']);
  });

  it('says that unknown fields of administrative bodies are refused', () => {
    const bodies = operations.filter(
      ({ path, operation }) => path.startsWith('/admin/v1/') && operation.requestBody !== undefined,
    );
    expect(bodies.length).toBeGreaterThan(10);
    for (const { name, operation } of bodies) {
      expect([name, operation.requestBody?.content['application/json']?.schema]).toMatchObject([
        name,
        { additionalProperties: false },
      ]);
    }
  });

  it('comes with a viewer that loads nothing from elsewhere', async () => {
    const page = await fetch(`${app.url}/docs`);
    const html = await page.text();
    expect(page.headers.get('content-type')).toMatch(/^text\/html/);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(html).not.toMatch(/https?:\/\//);
    const linked = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
    expect(linked.length).toBe(4);
    for (const path of linked) {
      const asset = await fetch(app.url + path);
      expect([path, asset.status, (await asset.arrayBuffer()).byteLength > 100]).toEqual([path, 200, true]);
    }
  });

  it.each(['package.json', '..%2fpackage.json', 'index.html', 'toString'])('has no asset %s', async (name) => {
    expect((await fetch(`${app.url}/docs/assets/${name}`)).status).toBe(404);
  });
});

function resolve(document: object, reference: string): unknown {
  const steps = reference.replace(/^#\//, '').split('/');
  return steps.reduce<unknown>((value, step) => (value as Record<string, unknown> | undefined)?.[step], document);
}
