import { micros, usdMicros } from '../../src/platform/money/index.js';
import type { Endpoint } from '../../src/provider/index.js';
import type { ModelRecord, RequestNeeds, RouteRequest, TierRate } from '../../src/router/index.js';
import type { Surroundings } from '../../src/router/domain/auto.js';
import { weighingOf } from '../../src/router/domain/weights.js';
import { TIERS, type Tier } from '../../src/wallet/index.js';

const CREDIT = 1_000_000;
let made = 0;

/** An id that is different each time and the same in every run. */
function nextId(): string {
  made += 1;
  return `00000000-0000-7000-8000-${made.toString().padStart(12, '0')}`;
}

/** An enabled endpoint at a real provider. */
export function endpoint(fields: Partial<Endpoint> = {}): Endpoint {
  const id = fields.id ?? nextId();
  return {
    id,
    modelId: 'model',
    modelKey: 'model',
    providerId: `provider-of-${id}`,
    providerName: 'acme',
    adapter: 'openai',
    baseUrl: 'https://api.acme.example/v1',
    hangupBilling: 'estimate',
    upstreamModel: 'small-1',
    priority: 1,
    weight: 1,
    timeouts: {},
    contextWindow: null,
    inputUsdPerMtok: usdMicros(0),
    outputUsdPerMtok: usdMicros(0),
    supportsPrefill: false,
    allowedFields: [],
    enabled: true,
    ...fields,
  };
}

export interface ModelFields extends Partial<ModelRecord> {
  /** Credits for a million tokens; both 200 when absent. */
  rates?: { input: number; output: number };
}

/** An enabled standard model that can do everything, with one endpoint and a price. */
export function model(modelKey: string, fields: ModelFields = {}): ModelRecord {
  const { rates = { input: 200, output: 200 }, ...rest } = fields;
  const id = fields.id ?? `id-of-${modelKey}`;
  const inputPerMtok = micros(Math.round(rates.input * CREDIT));
  return {
    id,
    modelKey,
    displayName: modelKey,
    alias: '',
    tier: 'standard',
    tags: [],
    featureTags: ['chat', 'tools', 'vision', 'json_schema'],
    scenarioTags: [],
    skuTags: [],
    industryPacks: [],
    mciScore: 50,
    description: '',
    descriptionZh: '',
    contextWindow: 128_000,
    maxOutputTokens: 8_192,
    hiddenOutputMax: null,
    hiddenOutputSeen: 0,
    customerImageInputMtok: '',
    customerImageOutputMtok: '',
    customerImageCachedInputMtok: '',
    enabled: true,
    price: {
      id: `price-of-${modelKey}`,
      modelId: id,
      version: 1,
      inputPerMtok,
      outputPerMtok: micros(Math.round(rates.output * CREDIT)),
      cacheReadPerMtok: inputPerMtok,
      cacheWritePerMtok: inputPerMtok,
      effectiveAt: new Date(0),
    },
    endpoints: [endpoint()],
    nextPriceInMs: null,
    createdAt: new Date(0),
    updatedAt: new Date(0),
    ...rest,
  };
}

/** Version 1 of every tier at the given USD for a credit; 0.001 when absent. */
export function tierRates(usd: Partial<Record<Tier, number>> = {}): TierRate[] {
  return TIERS.map((tier, at) => ({
    tier,
    version: 1,
    name: tier,
    description: '',
    usdPerCredit: usdMicros(Math.round((usd[tier] ?? 0.001) * 1e6)),
    sortOrder: at,
    createdAt: new Date(0),
  }));
}

/** A plain `auto` request over all tiers. */
export function routeRequest(
  fields: Partial<Omit<RouteRequest, 'needs'>> & { needs?: Partial<RequestNeeds> } = {},
): RouteRequest {
  return {
    requestedModel: 'auto',
    callerId: 'account',
    allowedTiers: TIERS,
    isBlacklisted: () => false,
    sessionKey: 'session',
    sessionNamed: false,
    words: () => ({ asked: '', opening: null }),
    preferences: { weights: {}, tags: [] },
    availableMicros: () => null,
    ...fields,
    needs: {
      tools: false,
      vision: false,
      jsonSchema: false,
      inputTokens: 100,
      outputTokens: 100,
      frozenOutputTokens: fields.needs?.outputTokens ?? 100,
      ...fields.needs,
    },
  };
}

/** What surrounds an average request of a new session, about which nothing is known. */
export function surroundings(fields: Partial<Surroundings> = {}): Surroundings {
  return {
    isHealthy: () => true,
    speedOf: () => null,
    keptModelId: null,
    demand: 0.5,
    weighing: weighingOf({}, null),
    group: 'router',
    shareOf: () => 0,
    ...fields,
  };
}
