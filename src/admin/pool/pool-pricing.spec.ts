import { micros, usdMicros } from '../../platform/money/index.js';
import { creditRate, customerRates } from './pool-pricing.js';

const LIST = { input_usd_mtok: usdMicros(400_000), output_usd_mtok: usdMicros(1_600_000) };
const CREDIT_USD = usdMicros(1_000);

describe('what customers pay', () => {
  it('is the list price and the markup, in credits of the tier, rounded up', () => {
    expect(creditRate(usdMicros(400_000), CREDIT_USD, 20)).toBe(480_000_000n);
    expect(creditRate(usdMicros(400_000), CREDIT_USD, 0)).toBe(400_000_000n);
    expect(creditRate(usdMicros(1), usdMicros(7), 20)).toBe(171_429n);
    expect(creditRate(usdMicros(1), usdMicros(3), 0)).toBe(333_334n);
  });

  it('is for the cache what input costs, where the vendor says nothing else', () => {
    expect(customerRates(LIST, CREDIT_USD, 20)).toEqual({
      customer_input_mtok: 480_000_000n,
      customer_output_mtok: 1_920_000_000n,
      customer_cacheread_mtok: 480_000_000n,
      customer_cachewrite_mtok: 480_000_000n,
    });
  });

  it('is what the file says where it says it, and the markup of the price before that of the file', () => {
    const own = { ...LIST, cacheread_usd_mtok: usdMicros(100_000), customer_output_mtok: micros(5), markup_percent: 0 };
    expect(customerRates(own, CREDIT_USD, 20)).toEqual({
      customer_input_mtok: 400_000_000n,
      customer_output_mtok: 5n,
      customer_cacheread_mtok: 100_000_000n,
      customer_cachewrite_mtok: 400_000_000n,
    });
  });
});
