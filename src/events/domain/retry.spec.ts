import { waitAfterMs } from './retry.js';

const DAY_MS = 86_400_000;

describe('waitAfterMs', () => {
  const waits = (chance: number): (number | null)[] => {
    const all: (number | null)[] = [];
    for (let attempts = 1; all.at(-1) !== null; attempts++) all.push(waitAfterMs(attempts, chance));
    return all;
  };
  const sum = (chance: number): number => waits(chance).reduce<number>((total, wait) => total + (wait ?? 0), 0);

  it('ends after a bounded number of attempts, about a day after the first one', () => {
    expect(waits(0.5)).toHaveLength(8);
    expect(sum(0)).toBeGreaterThan(0.75 * DAY_MS);
    expect(sum(1)).toBeLessThan(1.5 * DAY_MS);
  });

  it('waits longer each time, the first time for seconds', () => {
    const all = waits(0.5).filter((wait) => wait !== null);
    expect(all[0]).toBeLessThan(10_000);
    expect(all.toSorted((one, other) => one - other)).toEqual(all);
  });

  it('spreads what failed together', () => {
    expect(waitAfterMs(3, 0)).toBeLessThan(waitAfterMs(3, 1) ?? 0);
  });
});
