import { z } from 'zod';

const openAiError = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string().describe('What clients branch on.'),
      code: z.string().nullable(),
      param: z.string().nullable(),
      request_id: z.string(),
      hint: z.string().optional(),
    }),
  })
  .meta({ id: 'OpenAiError' });

const catalogError = z.object({ code: z.int(), message: z.string() }).meta({ id: 'CatalogError' });

const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().describe('Stable; listed in docs/errors.md.'),
    request_id: z.string(),
    hint: z.string().optional(),
    errors: z
      .array(z.object({ path: z.string(), code: z.string(), message: z.string() }))
      .optional()
      .describe('Every fault of the request.'),
  })
  .meta({ id: 'Problem' });

export interface ErrorShape {
  prefix: string;
  name: string;
  contentType: string;
  schema: z.ZodType;
}

/** How each door writes errors; the first that matches counts. */
export const ERROR_SHAPES: readonly ErrorShape[] = [
  { prefix: '/admin/v1/', name: 'Problem', contentType: 'application/problem+json', schema: problem },
  { prefix: '/api/v1/', name: 'CatalogError', contentType: 'application/json', schema: catalogError },
  { prefix: '/', name: 'OpenAiError', contentType: 'application/json', schema: openAiError },
];
