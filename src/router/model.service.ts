import { Injectable } from '@nestjs/common';
import { newId } from '../platform/ids/index.js';
import { modelPatchSchema, newModelSchema, type ModelPatch, type NewModel } from './domain/inputs.js';
import type { ModelRecord } from './domain/model.js';
import type { Page, PageRequest } from './domain/page.js';
import {
  isDuplicate,
  ModelRepository,
  type ModelFilter,
  type PoolTransaction,
} from './persistence/model.repository.js';
import { PoolReader } from './persistence/pool.reader.js';
import { PriceService } from './price.service.js';
import * as errors from './router.errors.js';
import { checked, definedOf } from './validation.js';

/** Models, for the administration. Reads and answers come from the database, not from the snapshot. */
@Injectable()
export class ModelService {
  constructor(
    private readonly repository: ModelRepository,
    private readonly reader: PoolReader,
    private readonly prices: PriceService,
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
      const currentPriceId = rates === undefined ? null : await this.prices.add(transaction, id, rates, null);
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
   * that have frozen credits keep theirs, and versions that are scheduled still come into force at their time.
   * @throws AppError `not_found`, `unprocessable` (`invalid_field`, `price_required`), `conflict` (`name_taken`).
   */
  async patch(id: string, input: ModelPatch): Promise<ModelRecord> {
    const { rates, ...fields } = checked(modelPatchSchema, input);
    await this.write(async (transaction) => {
      const stored = await this.repository.lockModel(transaction, id);
      if (stored === null) throw errors.noSuch('model');
      if (rates !== undefined) await this.prices.add(transaction, id, rates, null);
      const currentPriceId = (await this.repository.priceAt(transaction, id, null))?.id ?? null;
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

  private async write(work: (transaction: PoolTransaction) => Promise<void>): Promise<void> {
    try {
      await this.repository.inTransaction(work);
    } catch (error) {
      if (isDuplicate(error)) throw errors.taken('model_key', 'a model with this model_key exists already');
      throw error;
    }
  }
}
