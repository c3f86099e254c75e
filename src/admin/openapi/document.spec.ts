import { z } from 'zod';
import type { CatalogRoute } from '../../platform/openapi/index.js';
import { credits, timeIn } from '../http/fields.js';
import { buildDocument } from './document.js';

const thing = z.object({ id: z.uuid(), amount: z.string() }).meta({ id: 'Thing' });

function route(fields: Partial<CatalogRoute>): CatalogRoute {
  return {
    method: 'GET',
    path: '/admin/v1/things',
    controller: 'ThingsController',
    handler: 'list',
    access: { kind: 'admin', role: 'viewer' },
    operation: { summary: 'List things', tag: 'Things', response: z.object({ data: z.array(thing) }) },
    ...fields,
  };
}

describe('the OpenAPI document', () => {
  it('holds every route that declares an operation and no other', () => {
    const document = buildDocument([route({}), route({ path: '/hidden', operation: null })], '1.0.0');
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(['/admin/v1/things']);
  });

  it('describes what callers send, before amounts and times are parsed', () => {
    const body = z.strictObject({ amount: credits, from: timeIn.optional() });
    const operation = { summary: 'Create', tag: 'Things', status: 201, body, response: thing };
    const { paths } = buildDocument([route({ method: 'POST', handler: 'create', operation })], '1.0.0');
    const { requestBody, responses } = paths['/admin/v1/things']?.['post'] ?? {};
    expect(requestBody).toMatchObject({
      required: true,
      content: {
        'application/json': {
          schema: {
            additionalProperties: false,
            required: ['amount'],
            properties: {
              amount: { type: ['string', 'number'] },
              from: { type: 'string', format: 'date-time' },
            },
          },
        },
      },
    });
    expect(responses?.['201']).toHaveProperty(
      ['content', 'application/json', 'schema', '$ref'],
      '#/components/schemas/Thing',
    );
  });

  it('names path, query and header parameters', () => {
    const operation = {
      summary: 'Read',
      tag: 'Things',
      query: z.strictObject({ limit: z.coerce.number().int().min(1).default(5) }),
      headers: z.object({ 'Idempotency-Key': z.string() }),
      response: thing,
    };
    const { paths } = buildDocument([route({ path: '/admin/v1/things/:id', operation })], '1.0.0');
    expect(paths['/admin/v1/things/{id}']?.['get']?.parameters).toMatchObject([
      { name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } },
      { name: 'limit', in: 'query', required: false, schema: { type: 'integer', minimum: 1, default: 5 } },
      { name: 'Idempotency-Key', in: 'header', required: true, schema: { type: 'string' } },
    ]);
  });

  it('says which credential a route takes and how its door writes errors', () => {
    const open = route({ path: '/api/v1/models', handler: 'open', access: { kind: 'public' } });
    const keyed = route({ path: '/openai/v1/models', handler: 'keyed', access: { kind: 'api_key' } });
    const { paths } = buildDocument([route({}), open, keyed], '1.0.0');
    const summary = Object.values(paths).map((path) => [
      path['get']?.security,
      path['get']?.responses['default']?.['$ref'],
    ]);
    expect(summary).toEqual([
      [[{ adminToken: [] }], '#/components/responses/Problem'],
      [[], '#/components/responses/CatalogError'],
      [[{ apiKey: [] }, { apiKeyHeader: [] }], '#/components/responses/OpenAiError'],
    ]);
  });
});
