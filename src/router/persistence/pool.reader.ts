import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { micros, usdMicros } from '../../platform/money/index.js';
import type { Endpoint, EndpointWaits, HangupBilling } from '../../provider/index.js';
import type { Tier } from '../../wallet/index.js';
import type { ModelRecord, Price } from '../domain/model.js';
import type { TierRate } from '../domain/tier-rate.js';
import { TierRateEntity } from './tier-rate.entity.js';

/** Amounts come as text: JSON numbers would round them. */
interface EndpointRow {
  id: string;
  provider_id: string;
  provider_name: string;
  adapter: string;
  base_url: string;
  hangup_billing: HangupBilling;
  upstream_model: string;
  priority: number;
  weight: number;
  timeouts: Partial<EndpointWaits>;
  context_window: number | null;
  input_usd_mtok: string;
  output_usd_mtok: string;
  supports_prefill: boolean;
  allowed_fields: string[];
  enabled: boolean;
}

interface PriceRow {
  id: string;
  model_id: string;
  version: number;
  input_per_mtok: string;
  output_per_mtok: string;
  cache_read_per_mtok: string;
  cache_write_per_mtok: string;
  effective_at: string | Date;
}

interface ModelRow {
  id: string;
  model_key: string;
  display_name: string;
  alias: string;
  tier: Tier;
  tags: string[];
  feature_tags: string[];
  scenario_tags: string[];
  sku_tags: string[];
  industry_packs: string[];
  mci_score: number;
  description: string;
  description_zh: string;
  context_window: number;
  max_output_tokens: number;
  hidden_output_max: number | null;
  hidden_output_seen: number;
  customer_image_input_mtok: string;
  customer_image_output_mtok: string;
  customer_image_cached_input_mtok: string;
  enabled: boolean;
  created_at: Date;
  updated_at: Date;
  price: PriceRow | null;
  next_price_in_ms: number | null;
  endpoints: EndpointRow[] | null;
}

const PRICE_JSON = `jsonb_build_object('id', p.id, 'model_id', p.model_id, 'version', p.version,
  'input_per_mtok', p.input_per_mtok::text, 'output_per_mtok', p.output_per_mtok::text,
  'cache_read_per_mtok', p.cache_read_per_mtok::text, 'cache_write_per_mtok', p.cache_write_per_mtok::text,
  'effective_at', p.effective_at)`;

/** An endpoint can be called when it and its provider are enabled. */
const ENDPOINT_JSON = `jsonb_build_object('id', e.id, 'provider_id', e.provider_id, 'provider_name', v.name,
  'adapter', v.adapter, 'base_url', v.base_url, 'hangup_billing', v.hangup_billing, 'upstream_model', e.upstream_model,
  'priority', e.priority, 'weight', e.weight, 'timeouts', e.timeouts, 'context_window', e.context_window,
  'input_usd_mtok', e.input_usd_mtok::text,
  'output_usd_mtok', e.output_usd_mtok::text, 'supports_prefill', e.supports_prefill,
  'allowed_fields', e.allowed_fields, 'enabled', e.enabled and v.enabled)`;

/**
 * One statement, so that a model, its price and its endpoints are always of one moment. Of the versions whose time has
 * come the latest is in force; how long the next one has to wait is told in time of the database, whatever the clock here.
 */
const SELECT_MODELS = `
  select m.*,
    (select ${PRICE_JSON} from model_price p where p.model_id = m.id and p.effective_at <= statement_timestamp()
       order by p.effective_at desc, p.version desc limit 1) as price,
    (select (extract(epoch from min(p.effective_at) - statement_timestamp()) * 1000)::double precision
       from model_price p where p.model_id = m.id and p.effective_at > statement_timestamp()) as next_price_in_ms,
    (select jsonb_agg(${ENDPOINT_JSON} order by e.priority, e.id)
       from model_endpoint e join provider v on v.id = e.provider_id where e.model_id = m.id) as endpoints
  from model m`;

/** Reads models whole, as the snapshot and the administration see them. */
@Injectable()
export class PoolReader {
  constructor(private readonly dataSource: DataSource) {}

  async all(): Promise<ModelRecord[]> {
    return this.models(this.dataSource.manager, SELECT_MODELS, []);
  }

  /** The models that exist among `ids`, in no order. */
  async byIds(ids: readonly string[], manager: EntityManager = this.dataSource.manager): Promise<ModelRecord[]> {
    return this.models(manager, `${SELECT_MODELS} where m.id = any($1::uuid[])`, [ids]);
  }

  /** Any version of any model; `null` when the id is unknown. */
  async price(id: string): Promise<Price | null> {
    const sql = `select ${PRICE_JSON} as price from model_price p where p.id = $1::uuid`;
    const rows: { price: PriceRow }[] = await this.dataSource.query(sql, [id]);
    return rows[0] === undefined ? null : priceOf(rows[0].price);
  }

  /** Every version of every tier. */
  async tierRates(): Promise<TierRate[]> {
    return this.dataSource.getRepository(TierRateEntity).find({ order: { tier: 'ASC', version: 'ASC' } });
  }

  private async models(manager: EntityManager, sql: string, values: unknown[]): Promise<ModelRecord[]> {
    const rows: ModelRow[] = await manager.query(sql, values);
    return rows.map(modelOf);
  }
}

function modelOf(row: ModelRow): ModelRecord {
  const price = row.price === null ? null : priceOf(row.price);
  return {
    id: row.id,
    modelKey: row.model_key,
    displayName: row.display_name,
    alias: row.alias,
    tier: row.tier,
    tags: row.tags,
    featureTags: row.feature_tags,
    scenarioTags: row.scenario_tags,
    skuTags: row.sku_tags,
    industryPacks: row.industry_packs,
    mciScore: row.mci_score,
    description: row.description,
    descriptionZh: row.description_zh,
    contextWindow: row.context_window,
    maxOutputTokens: row.max_output_tokens,
    hiddenOutputMax: row.hidden_output_max,
    hiddenOutputSeen: row.hidden_output_seen,
    customerImageInputMtok: row.customer_image_input_mtok,
    customerImageOutputMtok: row.customer_image_output_mtok,
    customerImageCachedInputMtok: row.customer_image_cached_input_mtok,
    enabled: row.enabled,
    price,
    nextPriceInMs: row.next_price_in_ms,
    endpoints: (row.endpoints ?? []).map((endpoint) => endpointOf(endpoint, row)),
    createdAt: row.created_at,
    // A price that was scheduled long ago changes the model at its own time.
    updatedAt: price !== null && price.effectiveAt > row.updated_at ? price.effectiveAt : row.updated_at,
  };
}

function priceOf(row: PriceRow): Price {
  return {
    id: row.id,
    modelId: row.model_id,
    version: row.version,
    inputPerMtok: micros(BigInt(row.input_per_mtok)),
    outputPerMtok: micros(BigInt(row.output_per_mtok)),
    cacheReadPerMtok: micros(BigInt(row.cache_read_per_mtok)),
    cacheWritePerMtok: micros(BigInt(row.cache_write_per_mtok)),
    effectiveAt: new Date(row.effective_at),
  };
}

function endpointOf(row: EndpointRow, model: ModelRow): Endpoint {
  return {
    id: row.id,
    modelId: model.id,
    modelKey: model.model_key,
    providerId: row.provider_id,
    providerName: row.provider_name,
    adapter: row.adapter,
    baseUrl: row.base_url,
    hangupBilling: row.hangup_billing,
    upstreamModel: row.upstream_model,
    priority: row.priority,
    weight: row.weight,
    timeouts: row.timeouts,
    contextWindow: row.context_window,
    inputUsdPerMtok: usdMicros(BigInt(row.input_usd_mtok)),
    outputUsdPerMtok: usdMicros(BigInt(row.output_usd_mtok)),
    supportsPrefill: row.supports_prefill,
    allowedFields: row.allowed_fields,
    enabled: row.enabled,
  };
}
