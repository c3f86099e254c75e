import type { RatesInput } from './inputs.js';
import type { PriceRates } from './model.js';
import { invalidField } from '../router.errors.js';

/**
 * The given rates over those before. Without a price before, input and output are needed; cache rates that nobody named
 * equal the input rate: an unknown rate is never free.
 * @returns `null` when no rate was given.
 * @throws AppError `unprocessable` when the first price has no rate for input or output.
 */
export function mergedRates(before: PriceRates | null, rates: RatesInput): PriceRates | null {
  if (Object.values(rates).every((rate) => rate === undefined)) return null;
  const inputPerMtok = rates.inputPerMtok ?? before?.inputPerMtok;
  const outputPerMtok = rates.outputPerMtok ?? before?.outputPerMtok;
  if (inputPerMtok === undefined) throw invalidField('customer_input_mtok', 'needed for the first price');
  if (outputPerMtok === undefined) throw invalidField('customer_output_mtok', 'needed for the first price');
  return {
    inputPerMtok,
    outputPerMtok,
    cacheReadPerMtok: rates.cacheReadPerMtok ?? before?.cacheReadPerMtok ?? inputPerMtok,
    cacheWritePerMtok: rates.cacheWritePerMtok ?? before?.cacheWritePerMtok ?? inputPerMtok,
  };
}

/** Whether two versions cost the same. */
export function sameRates(left: PriceRates, right: PriceRates): boolean {
  return (
    left.inputPerMtok === right.inputPerMtok &&
    left.outputPerMtok === right.outputPerMtok &&
    left.cacheReadPerMtok === right.cacheReadPerMtok &&
    left.cacheWritePerMtok === right.cacheWritePerMtok
  );
}
