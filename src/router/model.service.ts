import { Injectable } from '@nestjs/common';
import { newId } from '../platform/ids/index.js';
import { modelPatchSchema, newModelSchema, type ModelPatch, type NewModel, type RatesInput } from './domain/inputs.js';
import type { ModelRecord, Price, PriceRates } from './domain/model.js';
import type { Page, PageRequest } from './domain/page.js';
import {
  isDuplicate,
  ModelRepository,
  type ModelFilter,
  type PoolTransaction,
} from './persistence/model.repository.js';
import { PoolReader } from './persistence/pool.reader.js';
import * as errors from './router.errors.js';
import { checked, definedOf } from './validation.js';

/** Models and their prices, for the administration. Reads and answers come from the database, not from the snapshot. */
@Injectable()
export class ModelService {
  constructor(
    private readonly repository: ModelRepository,
    private readonly reader: PoolReader,
  ) {}

  /**
   * Adds a model, with its first price when rates are given.
   * @throws AppError `unprocessable` (`invalid_field`, `price_required`), `conflict` (`name_taken`).
   */
  async create(input: NewModel): Promise<ModelRecord> {
    const { rates, enabled = false, ...fields } = checked(newModelSchema, input);
    const id = newId();
    await this.write(async (transaction) => {
      await this.repository.insertModel(transaction, {
        ...definedOf(fields),
        id,
        displayName: fields.displayName ?? fields.modelKey,
        enabled: false,
      });
      const currentPriceId = await this.addPrice(transaction, id, null, rates);
      if (enabled && currentPriceId === null) throw errors.priceRequired();
      if (currentPriceId !== null) await this.repository.updateModel(transaction, id, { currentPriceId, enabled });
    });
    return this.read(id);
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<ModelRecord> {
    const [model] = await this.reader.byIds([id]);
    if (model === undefined) throw errors.noSuch('model');
    return model;
  }

  /** Newest first. */
  async list(filter: ModelFilter, page: PageRequest): Promise<Page<ModelRecord>> {
    const ids = await this.repository.modelIds(filter, page);
    const shown = ids.slice(0, page.limit);
    const models = new Map((await this.reader.byIds(shown)).map((model) => [model.id, model]));
    const items = shown.flatMap((id) => models.get(id) ?? []);
    return { items, nextCursor: ids.length > page.limit ? (shown.at(-1) ?? null) : null };
  }

  /**
   * Changes the given fields. A changed rate makes a new price version, which is in force from the commit on; requests
   * that have frozen credits keep theirs.
   * @throws AppError `not_found`, `unprocessable` (`invalid_field`, `price_required`), `conflict` (`name_taken`).
   */
  async patch(id: string, input: ModelPatch): Promise<ModelRecord> {
    const { rates, ...fields } = checked(modelPatchSchema, input);
    await this.write(async (transaction) => {
      const stored = await this.repository.lockModel(transaction, id);
      if (stored === null) throw errors.noSuch('model');
      const currentPriceId = await this.addPrice(transaction, id, stored.currentPriceId, rates);
      if ((fields.enabled ?? stored.enabled) && currentPriceId === null) throw errors.priceRequired();
      await this.repository.updateModel(transaction, id, { ...definedOf(fields), currentPriceId });
    });
    return this.read(id);
  }

  /**
   * Takes a model out of service. The row stays: its prices are what settled and running requests were priced with.
   * @throws AppError `not_found`.
   */
  async disable(id: string): Promise<ModelRecord> {
    return this.patch(id, { enabled: false });
  }

  /**
   * Price versions of a model, newest first.
   * @throws AppError `not_found`.
   */
  async prices(id: string): Promise<readonly Price[]> {
    await this.read(id);
    return this.repository.prices(id);
  }

  /** Adds a version when a rate differs from the current one; answers the id of the price that is then in force. */
  private async addPrice(
    transaction: PoolTransaction,
    modelId: string,
    currentPriceId: string | null,
    rates: RatesInput | undefined,
  ): Promise<string | null> {
    if (rates === undefined) return currentPriceId;
    const versions = await this.repository.prices(modelId, transaction);
    const current = versions.find((price) => price.id === currentPriceId) ?? null;
    const next = mergedRates(current, rates);
    if (next === null || (current !== null && sameRates(current, next))) return currentPriceId;
    const price = { id: newId(), modelId, version: (versions[0]?.version ?? 0) + 1, ...next };
    await this.repository.insertPrice(transaction, price);
    return price.id;
  }

  private async write(work: (transaction: PoolTransaction) => Promise<void>): Promise<void> {
    try {
      await this.repository.inTransaction(work);
    } catch (error) {
      if (isDuplicate(error)) throw errors.taken('model_key', 'a model with this model_key exists already');
      throw error;
    }
  }
}

/**
 * The given rates over the current ones. Without a current price, input and output are needed; cache rates that nobody
 * named equal the input rate: an unknown rate is never free.
 * @returns `null` when no rate was given.
 */
function mergedRates(current: PriceRates | null, rates: RatesInput): PriceRates | null {
  if (Object.values(rates).every((rate) => rate === undefined)) return null;
  const inputPerMtok = rates.inputPerMtok ?? current?.inputPerMtok;
  const outputPerMtok = rates.outputPerMtok ?? current?.outputPerMtok;
  if (inputPerMtok === undefined) throw errors.invalidField('customer_input_mtok', 'needed for the first price');
  if (outputPerMtok === undefined) throw errors.invalidField('customer_output_mtok', 'needed for the first price');
  return {
    inputPerMtok,
    outputPerMtok,
    cacheReadPerMtok: rates.cacheReadPerMtok ?? current?.cacheReadPerMtok ?? inputPerMtok,
    cacheWritePerMtok: rates.cacheWritePerMtok ?? current?.cacheWritePerMtok ?? inputPerMtok,
  };
}

function sameRates(left: PriceRates, right: PriceRates): boolean {
  return (
    left.inputPerMtok === right.inputPerMtok &&
    left.outputPerMtok === right.outputPerMtok &&
    left.cacheReadPerMtok === right.cacheReadPerMtok &&
    left.cacheWritePerMtok === right.cacheWritePerMtok
  );
}
