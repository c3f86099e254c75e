import { z } from 'zod';
import {
  ADAPTER_NAMES,
  PROVIDER_DIAGNOSES,
  type ProviderPatch,
  type ProviderTest,
  type ProviderView as ProviderRecord,
} from '../../provider/index.js';
import { name, patchOf, plainText, timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const URL_LENGTH_MAX = 2_000;
const SECRET_LENGTH_MAX = 4_000;

const hangupBilling = z.enum(['estimate', 'drain', 'free']);

const required = {
  name: name.describe('Unique; shown to callers as the used provider.'),
  adapter: plainText(40)
    .min(1)
    .meta({ enum: [...ADAPTER_NAMES], examples: ['openai'] })
    .describe(
      '`anthropic` for the Messages API, `gemini` for generateContent, `openai` for everything OpenAI-compatible, `sandbox` for the built-in one.',
    ),
  base_url: plainText(URL_LENGTH_MAX)
    .min(1)
    .describe('Loopback and private addresses need `ALLOW_PRIVATE_UPSTREAMS`.')
    .meta({ examples: ['https://api.acme.example/v1'] }),
};

const optional = {
  api_key: plainText(SECRET_LENGTH_MAX).min(1).nullable().describe('Write-only; encrypted at rest. `null` removes it.'),
  hangup_billing: hangupBilling.describe(
    'When the caller hangs up: bill what was delivered, read to the end, or nothing.',
  ),
  enabled: z.boolean(),
};

export const createProviderSchema = z.strictObject({ ...required, ...z.object(optional).partial().shape });
export type CreateProvider = z.output<typeof createProviderSchema>;

export const patchProviderSchema = patchOf({ ...required, ...optional });
export type PatchProvider = z.output<typeof patchProviderSchema>;

export const providerQuerySchema = z.strictObject(pageQuery);
export type ProviderQuery = z.output<typeof providerQuerySchema>;

export const providerSchema = z
  .object({
    id: uuid,
    name: z.string(),
    adapter: z.string(),
    base_url: z.string(),
    has_api_key: z.boolean(),
    hangup_billing: hangupBilling,
    enabled: z.boolean(),
    created_at: timeOut,
    updated_at: timeOut,
  })
  .meta({ id: 'Provider' });
export type ProviderView = z.output<typeof providerSchema>;

export const testProviderSchema = z
  .strictObject({
    model: name
      .optional()
      .describe('A model’s name at the provider: it is asked for a word, which costs a few tokens.'),
  })
  .optional();
export type TestProvider = z.output<typeof testProviderSchema>;

const DIAGNOSES = Object.keys(PROVIDER_DIAGNOSES) as [ProviderTest['diagnosis'], ...ProviderTest['diagnosis'][]];

export const providerTestSchema = z
  .object({
    ok: z.boolean(),
    diagnosis: z.enum(DIAGNOSES).describe('The first thing that is wrong, or `ok`.'),
    message: z.string().describe('What that means and what to look at.'),
    detail: z.string().nullable().describe('The provider’s own words about a refused request.'),
    model: z.string().nullable(),
    status: z.int().nullable().describe('HTTP status, when the provider answered.'),
    duration_ms: z.number(),
    error: z.string().nullable().describe('Short reason, e.g. `connect_refused`, `http_401`.'),
    models: z.int().nullable().describe('How many models it offers under this key, when it says so.'),
  })
  .meta({ id: 'ProviderTest' });
export type ProviderTestView = z.output<typeof providerTestSchema>;

/** The optional fields of a body as the provider module takes them. */
export function providerFields(body: PatchProvider): Omit<ProviderPatch, 'name' | 'adapter' | 'baseUrl'> {
  return { apiKey: body.api_key, hangupBilling: body.hangup_billing, enabled: body.enabled };
}

/** The fields of a patch as the provider module takes them. */
export function providerPatch(body: PatchProvider): ProviderPatch {
  return {
    ...providerFields(body),
    ...(body.name === undefined ? {} : { name: body.name }),
    ...(body.adapter === undefined ? {} : { adapter: body.adapter }),
    ...(body.base_url === undefined ? {} : { baseUrl: body.base_url }),
  };
}

/** What the audit log is told beyond the view: that a key was given, never which. */
export function touchedSecret(body: PatchProvider): { api_key?: string | null } {
  return body.api_key === undefined ? {} : { api_key: body.api_key };
}

export function providerView(provider: ProviderRecord): ProviderView {
  return {
    id: provider.id,
    name: provider.name,
    adapter: provider.adapter,
    base_url: provider.baseUrl,
    has_api_key: provider.hasApiKey,
    hangup_billing: provider.hangupBilling,
    enabled: provider.enabled,
    created_at: provider.createdAt.toISOString(),
    updated_at: provider.updatedAt.toISOString(),
  };
}

export function providerTestView(test: ProviderTest): ProviderTestView {
  const { durationMs, ...rest } = test;
  return { ...rest, duration_ms: durationMs };
}
