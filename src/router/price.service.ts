import { Injectable } from '@nestjs/common';
import { newId } from '../platform/ids/index.js';
import { newPriceSchema, type NewPrice, type RatesInput } from './domain/inputs.js';
import type { Price } from './domain/model.js';
import { mergedRates, sameRates } from './domain/rates.js';
import { ModelRepository, type PoolTransaction } from './persistence/model.repository.js';
import * as errors from './router.errors.js';
import { checked } from './validation.js';

/** A version that comes into force sooner may already have been read by a process, and stays. */
const CANCEL_LEAD_MS = 5_000;

/** Price versions of models, for the administration: immutable, each in force from its time until the next one is. */
@Injectable()
export class PriceService {
  constructor(private readonly repository: ModelRepository) {}

  /**
   * Versions of a model, newest first; scheduled ones too.
   * @throws AppError `not_found` when there is no such model.
   */
  async list(modelId: string): Promise<readonly Price[]> {
    return this.repository.inTransaction(async (transaction) => {
      if (!(await this.repository.hasModel(transaction, modelId))) throw errors.noSuch('model');
      return this.repository.prices(modelId, transaction);
    });
  }

  /**
   * Adds a version, in force at once or at a time to come. Rates that are absent are taken from the version that it follows.
   * @throws AppError `not_found`, `unprocessable` (`invalid_field`: a time that is not in the future, a missing rate, rates
   * that the version before has already).
   */
  async create(modelId: string, input: NewPrice): Promise<Price> {
    const { rates, effectiveAt = null } = checked(newPriceSchema, input);
    return this.repository.inTransaction(async (transaction) => {
      if ((await this.repository.lockModel(transaction, modelId)) === null) throw errors.noSuch('model');
      if (effectiveAt !== null && !(await this.repository.isFuture(transaction, effectiveAt))) {
        throw errors.invalidField(
          'effective_at',
          'must be in the future; what was used before is corrected by request',
        );
      }
      const id = await this.add(transaction, modelId, rates, effectiveAt);
      if (id === null)
        throw errors.invalidField('customer_input_mtok', 'the price has these rates at that time already');
      if (effectiveAt === null) await this.repository.updateModel(transaction, modelId, { currentPriceId: id });
      const added = (await this.repository.prices(modelId, transaction)).find((price) => price.id === id);
      if (added === undefined) throw new Error(`price ${id} is gone`);
      return added;
    });
  }

  /**
   * Takes back a version that is not in force yet; its number is not used again while later ones exist.
   * @throws AppError `not_found`, `conflict` (`price_in_force`) also in the last five seconds before its time.
   */
  async cancel(modelId: string, id: string): Promise<Price> {
    const price = (await this.list(modelId)).find((one) => one.id === id);
    if (price === undefined) throw errors.noSuch('price');
    if (!(await this.repository.deleteScheduledPrice(modelId, id, CANCEL_LEAD_MS))) throw errors.priceInForce();
    return price;
  }

  /**
   * Adds a version inside the transaction that holds the lock of the model.
   * @returns its id; `null` when no rate was given or none differs from the version before it.
   */
  async add(
    transaction: PoolTransaction,
    modelId: string,
    rates: RatesInput,
    effectiveAt: Date | null,
  ): Promise<string | null> {
    const before = await this.repository.priceAt(transaction, modelId, effectiveAt);
    const next = mergedRates(before, rates);
    if (next === null || (before !== null && sameRates(before, next))) return null;
    const latest = (await this.repository.prices(modelId, transaction))[0]?.version ?? 0;
    const id = newId();
    await this.repository.insertPrice(transaction, { id, modelId, version: latest + 1, ...next, effectiveAt });
    return id;
  }
}
