import { micros } from '../../platform/money/index.js';
import { differenceOfPrice, type PricedRecord, type PriceVersion } from './price-check.js';

const version = (number: number, output: bigint): PriceVersion => ({
  id: `price-${number.toString()}`,
  modelId: 'model',
  version: number,
  inputPerMtok: micros(0n),
  outputPerMtok: micros(output),
  cacheReadPerMtok: micros(0n),
  cacheWritePerMtok: micros(0n),
});

const PINNED = version(2, 2_000_000n);
const OLD = version(1, 1_000_000n);

const record = (changes: Partial<PricedRecord> = {}): PricedRecord => ({
  accountId: 'a',
  tier: 'standard',
  requestId: 'gwr_1',
  priceId: PINNED.id,
  disposition: 'charge',
  usage: { inputTokens: 0, outputTokens: 10, cachedInputTokens: 0, cachedOutputTokens: 0 },
  capturedMicros: '20',
  creditsUsedMicros: '20',
  ...changes,
});

const check = (changes: Partial<PricedRecord>) => differenceOfPrice(record(changes), PINNED, () => [OLD, PINNED]);

describe('a price that is calculated again', () => {
  it('is as recorded when nothing was changed', () => {
    expect(check({})).toBeNull();
  });

  it('is nothing when nothing was to be charged', () => {
    expect(check({ disposition: 'release', creditsUsedMicros: '0', capturedMicros: '0' })).toBeNull();
    expect(check({ disposition: 'release' })).toMatchObject({ kind: 'wrong_price', expected: '0', found: '20' });
  });

  it('names the version that was used instead of the pinned one', () => {
    expect(check({ creditsUsedMicros: '10' })).toMatchObject({
      kind: 'stale_price_version',
      expected: '2',
      found: '1',
    });
  });

  it('is wrong when no version gives the recorded one', () => {
    expect(check({ creditsUsedMicros: '11' })).toMatchObject({
      kind: 'wrong_price',
      subject: 'credits_used',
      found: '11',
    });
  });

  it('must also be the one that the caller was told', () => {
    expect(check({ capturedMicros: '19' })).toMatchObject({ kind: 'wrong_price', subject: 'outcome', found: '19' });
    expect(check({ capturedMicros: null })).toBeNull();
  });

  it('does not exist for tokens that are no counts, or without its version', () => {
    const usage = { inputTokens: 0, outputTokens: -1, cachedInputTokens: 0, cachedOutputTokens: 0 };
    expect(check({ usage })).toMatchObject({ kind: 'wrong_price', expected: null });
    expect(differenceOfPrice(record(), null, () => [])).toMatchObject({ kind: 'price_missing', expected: PINNED.id });
  });
});
