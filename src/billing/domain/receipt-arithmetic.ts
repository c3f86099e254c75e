import { formatDecimal, MICROS_PER_UNIT, parseDecimal } from '../../platform/money/index.js';
import { BUCKETS, type Receipt, type ReceiptCalculation } from './receipt.js';

type Rates = Receipt['price']['credits_per_mtok'];
type Usage = NonNullable<Receipt['usage']>;

/** Rates are quoted for this many tokens. */
const TOKENS_PER_RATE = 1_000_000n;

/** Micro-units of a decimal with six places. @throws RangeError when it is none. */
export function microsIn(text: string): bigint {
  const value = parseDecimal(text);
  if (value === null) throw new RangeError(`not a decimal amount: ${text}`);
  return value;
}

/** Every step from tokens to a price. Written apart from `priceOf`, so that a receipt checks the one by the other. */
export function calculationOf(usage: Usage, rates: Rates): ReceiptCalculation {
  const products = BUCKETS.map((bucket) => {
    const [tokens, rate] = [usage[`${bucket}_tokens`], rates[bucket]];
    return { bucket, tokens, rate, product: (BigInt(tokens) * microsIn(rate)).toString() };
  });
  const sum = products.reduce((total, { product }) => total + BigInt(product), 0n);
  const [quotient, remainder] = [sum / TOKENS_PER_RATE, sum % TOKENS_PER_RATE];
  return {
    products,
    sum: sum.toString(),
    divisor: TOKENS_PER_RATE.toString(),
    quotient: quotient.toString(),
    remainder: remainder.toString(),
    rounding: 'up',
    price: formatDecimal(quotient + (remainder > 0n ? 1n : 0n)),
  };
}

/** Every step from credits to USD. */
export function usdStepsOf(creditsUsed: string, usdPerCredit: string): NonNullable<Receipt['usd']> {
  const product = microsIn(creditsUsed) * microsIn(usdPerCredit);
  const [quotient, remainder] = [product / MICROS_PER_UNIT, product % MICROS_PER_UNIT];
  return {
    usd_per_credit: usdPerCredit,
    product: product.toString(),
    divisor: MICROS_PER_UNIT.toString(),
    quotient: quotient.toString(),
    remainder: remainder.toString(),
    rounding: 'half_up',
    usd_cost: formatDecimal(quotient + (remainder * 2n >= MICROS_PER_UNIT ? 1n : 0n)),
  };
}
