import { runChaos } from './chaos.js';

/** A freeze of the dead expires within 30 s of a worker's life; on a machine that is too busy workers take as long to start. */
const LONGEST_FREEZE_MS = 120_000;

describe('two gateways and two workers that are killed again and again', () => {
  it('charge every whole answer once and as it said, charge nothing else, and leave nothing frozen', async () => {
    const options = { requests: 600, callers: 24, seed: 20_261_122, kill: { everyMs: 600, downMs: 800 } };
    const report = await runChaos(options, () => undefined);
    expect(report.differences).toEqual([]);
    expect(report.kills.SIGKILL + report.kills.SIGTERM).toBeGreaterThan(1);
    expect(report.money.expiredCount).toBeGreaterThan(0);
    expect(report.witness.promises.length).toBeGreaterThan(100);
    expect(report.money.longestFreezeMs).toBeLessThan(LONGEST_FREEZE_MS);
  }, 900_000);
});
