import { RefusalSampler } from './refusal-sampler.js';

const MINUTE_MS = 60_000;

describe('RefusalSampler', () => {
  const sampler = (): RefusalSampler => new RefusalSampler({ unauthenticatedPerMinute: 2, perKeyPerMinute: 3 });
  const kept = (one: RefusalSampler, key: string | null, times: number, nowMs: number): number =>
    Array.from({ length: times }, () => one.keep(key, nowMs)).filter(Boolean).length;

  it('keeps the first ones of a minute, and again of the next', () => {
    const one = sampler();
    expect(kept(one, null, 10, 0)).toBe(2);
    expect(kept(one, null, 10, MINUTE_MS - 1)).toBe(0);
    expect(kept(one, null, 10, MINUTE_MS)).toBe(2);
  });

  it('counts every key apart, so that the noise of one hides nothing of another', () => {
    const one = sampler();
    expect(kept(one, 'loud', 10, 0)).toBe(3);
    expect(kept(one, 'quiet', 1, 0)).toBe(1);
    expect(kept(one, null, 1, 0)).toBe(1);
  });

  it('keeps nothing when the limit is 0', () => {
    const none = new RefusalSampler({ unauthenticatedPerMinute: 0, perKeyPerMinute: 0 });
    expect(kept(none, null, 5, 0) + kept(none, 'key', 5, 0)).toBe(0);
  });
});
