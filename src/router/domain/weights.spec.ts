import fc from 'fast-check';
import { DEFAULT_WEIGHTS, FACTORS, scoreOf, weighingOf, type Factors } from './weights.js';

const share = fc.double({ min: 0, max: 1, noNaN: true });
const factors = (fields: Partial<Factors> = {}): Factors => ({
  quality: 0.5,
  price: 0.5,
  latency: 1,
  health: 1,
  stickiness: 0,
  tags: 0,
  balance: 1,
  ...fields,
});

describe('the score', () => {
  it('is between 0 and 1 for whoever the wallet pays, and below everyone of them for whoever it does not', () => {
    const some = fc.record({
      quality: share,
      price: share,
      latency: share,
      health: share,
      stickiness: share,
      tags: share,
    });
    fc.assert(
      fc.property(some, some, (one, other) => {
        const paid = scoreOf(factors(one), DEFAULT_WEIGHTS);
        expect(paid >= 0 && paid <= 1).toBe(true);
        expect(scoreOf(factors({ ...other, balance: 0 }), DEFAULT_WEIGHTS)).toBeLessThanOrEqual(paid);
      }),
    );
  });

  it('trades ten times the price for 25 MCI points on an average request', () => {
    const dear = scoreOf(factors({ quality: 0.75, price: 0.25 }), DEFAULT_WEIGHTS);
    expect(dear).toBe(scoreOf(factors({ quality: 0.5, price: 0.5 }), DEFAULT_WEIGHTS));
  });

  it.each(FACTORS)('rises with %s', (factor) => {
    const [low, high] = [0.2, 0.9].map((value) => scoreOf(factors({ [factor]: value }), DEFAULT_WEIGHTS));
    expect(high).toBeGreaterThan(low!);
  });
});

describe('weights', () => {
  it('of a policy replace the usual ones one by one', () => {
    const { weights } = weighingOf({ latency: 3 }, null);
    expect(weights).toEqual({ ...DEFAULT_WEIGHTS, latency: 3 });
  });

  it('of quality and price keep their sum, whatever number the caller sends', () => {
    fc.assert(
      fc.property(share, (knob) => {
        const { quality, price } = weighingOf({}, knob).weights;
        expect(quality + price).toBeCloseTo(DEFAULT_WEIGHTS.quality + DEFAULT_WEIGHTS.price, 9);
        expect(quality).toBeCloseTo(knob * (quality + price), 9);
      }),
    );
  });

  it('turn as the caller says, also where the policy weighs neither quality nor price', () => {
    const policy = { quality: 0, price: 0, latency: 1 };
    expect(weighingOf(policy, 'cheap').weights.price).toBeGreaterThan(0.8);
    expect(weighingOf(policy, 'best').weights.quality).toBeGreaterThan(0.8);
    const fast = weighingOf({}, 'fast').weights;
    expect(fast.latency).toBeGreaterThan(fast.quality + fast.price);
  });
});
