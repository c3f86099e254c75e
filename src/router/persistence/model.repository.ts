import { Injectable } from '@nestjs/common';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import type { Tier } from '../../wallet/index.js';
import type { Price } from '../domain/model.js';
import type { PageRequest } from '../domain/page.js';
import { ModelEndpointEntity } from './model-endpoint.entity.js';
import { ModelEntity, ModelPriceEntity } from './model.entity.js';
import { TierRateEntity } from './tier-rate.entity.js';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

const DELETE_SCHEDULED = `delete from model_price where model_id = $1 and id = $2
  and effective_at > clock_timestamp() + $3 * interval '1 millisecond'`;

const NOTE_HIDDEN = `with noted as (
    select m.id, n.tokens from model m join unnest($1::uuid[], $2::integer[]) as n (id, tokens) on n.id = m.id
      where m.hidden_output_seen < n.tokens order by m.id for no key update of m)
  update model m set hidden_output_seen = n.tokens from noted n where n.id = m.id`;

/** A price version to be; without a time it is in force at once. */
export type NewPriceRow = Omit<Price, 'effectiveAt'> & { effectiveAt: Date | null };

/** One open transaction; services pass it on and never look inside. */
export type PoolTransaction = EntityManager;

export interface ModelFilter {
  tier?: Tier | undefined;
  enabled?: boolean | undefined;
}

/** Writes of the model pool and the lists of the administration. Holds no rules. */
@Injectable()
export class ModelRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Runs `work` in one transaction; the other methods join it through the manager. */
  async inTransaction<T>(work: (manager: PoolTransaction) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, work);
  }

  async insertModel(manager: PoolTransaction, model: Partial<ModelEntity>): Promise<void> {
    await manager.insert(ModelEntity, model);
  }

  async updateModel(manager: PoolTransaction, id: string, changes: Partial<ModelEntity>): Promise<void> {
    await manager.update(ModelEntity, { id }, { ...changes, updatedAt: () => 'now()' });
  }

  /** Raises what models were seen to hide; by id, in one order, so that two processes never wait for each other in a ring. */
  async noteHiddenOutputs(tokensById: ReadonlyMap<string, number>): Promise<void> {
    await this.dataSource.query(NOTE_HIDDEN, [[...tokensById.keys()], [...tokensById.values()]]);
  }

  /** The model, locked until the transaction ends; `null` when there is none. */
  async lockModel(manager: PoolTransaction, id: string): Promise<ModelEntity | null> {
    return manager.findOne(ModelEntity, { where: { id }, lock: { mode: 'pessimistic_write' } });
  }

  async hasModel(manager: PoolTransaction, id: string): Promise<boolean> {
    return manager.existsBy(ModelEntity, { id });
  }

  /** Ids of one page, newest first, and one more when there is a next page. */
  async modelIds(filter: ModelFilter, page: PageRequest): Promise<string[]> {
    const query = this.dataSource
      .createQueryBuilder(ModelEntity, 'model')
      .select('model.id', 'id')
      .orderBy('model.id', 'DESC')
      .limit(page.limit + 1);
    if (page.cursor !== null) query.andWhere('model.id < :cursor', { cursor: page.cursor });
    if (filter.tier !== undefined) query.andWhere('model.tier = :tier', { tier: filter.tier });
    if (filter.enabled !== undefined) query.andWhere('model.enabled = :enabled', { enabled: filter.enabled });
    return (await query.getRawMany<{ id: string }>()).map(({ id }) => id);
  }

  /** In force from `effectiveAt` on; from now on when it is `null`. The time is that of the database, read under the model's lock. */
  async insertPrice(manager: PoolTransaction, price: NewPriceRow): Promise<void> {
    await manager.insert(ModelPriceEntity, {
      ...price,
      effectiveAt: price.effectiveAt ?? (() => 'clock_timestamp()'),
    });
  }

  /** The version in force at a time, or now. */
  async priceAt(manager: PoolTransaction, modelId: string, at: Date | null): Promise<Price | null> {
    const row = await manager
      .createQueryBuilder(ModelPriceEntity, 'price')
      .where('price.modelId = :modelId', { modelId })
      .andWhere('price.effectiveAt <= coalesce(:at::timestamptz, clock_timestamp())', { at })
      .orderBy('price.effectiveAt', 'DESC')
      .addOrderBy('price.version', 'DESC')
      .limit(1)
      .getOne();
    return row === null ? null : priceOf(row);
  }

  async isFuture(manager: PoolTransaction, at: Date): Promise<boolean> {
    const rows = await manager.query<{ future: boolean }[]>('select $1::timestamptz > clock_timestamp() as future', [
      at,
    ]);
    return rows[0]?.future === true;
  }

  /** Deletes a version that is not in force for at least `leadMs` more. @returns whether there was one. */
  async deleteScheduledPrice(modelId: string, id: string, leadMs: number): Promise<boolean> {
    const [, count] = await this.dataSource.query<[unknown, number]>(DELETE_SCHEDULED, [modelId, id, leadMs]);
    return count > 0;
  }

  /** Versions of one model, newest first. */
  async prices(modelId: string, manager: PoolTransaction = this.dataSource.manager): Promise<Price[]> {
    const rows = await manager.find(ModelPriceEntity, { where: { modelId }, order: { version: 'DESC' } });
    return rows.map(priceOf);
  }

  async insertEndpoint(endpoint: Partial<ModelEndpointEntity>): Promise<void> {
    await this.dataSource.manager.insert(ModelEndpointEntity, endpoint);
  }

  /** @returns whether there was such an endpoint of this model. */
  async updateEndpoint(modelId: string, id: string, changes: Partial<ModelEndpointEntity>): Promise<boolean> {
    const values = { ...changes, updatedAt: () => 'now()' };
    const result = await this.dataSource.manager.update(ModelEndpointEntity, { id, modelId }, values);
    return (result.affected ?? 0) > 0;
  }

  /** @returns whether there was such an endpoint of this model. */
  async deleteEndpoint(modelId: string, id: string): Promise<boolean> {
    const result = await this.dataSource.manager.delete(ModelEndpointEntity, { id, modelId });
    return (result.affected ?? 0) > 0;
  }

  /** Writers of one tier take turns, so that versions have no gaps; ends with the transaction. */
  async lockTierRates(manager: PoolTransaction, tier: Tier): Promise<void> {
    await manager.query(`select pg_advisory_xact_lock(hashtext('tier_rate'), hashtext($1))`, [tier]);
  }

  async latestTierRate(manager: PoolTransaction, tier: Tier): Promise<TierRateEntity | null> {
    return manager.findOne(TierRateEntity, { where: { tier }, order: { version: 'DESC' } });
  }

  async insertTierRate(manager: PoolTransaction, rate: Omit<TierRateEntity, 'createdAt'>): Promise<void> {
    await manager.insert(TierRateEntity, rate);
  }
}

function priceOf(row: ModelPriceEntity): Price {
  const { id, modelId, version, inputPerMtok, outputPerMtok, cacheReadPerMtok, cacheWritePerMtok, effectiveAt } = row;
  return { id, modelId, version, inputPerMtok, outputPerMtok, cacheReadPerMtok, cacheWritePerMtok, effectiveAt };
}

/** A row with the same unique name is there already. */
export function isDuplicate(error: unknown): boolean {
  return sqlStateOf(error) === UNIQUE_VIOLATION;
}

/** The row refers to one that does not exist. */
export function isDangling(error: unknown): boolean {
  return sqlStateOf(error) === FOREIGN_KEY_VIOLATION;
}

function sqlStateOf(error: unknown): string | null {
  if (!(error instanceof QueryFailedError)) return null;
  return (error.driverError as { code?: string }).code ?? null;
}
