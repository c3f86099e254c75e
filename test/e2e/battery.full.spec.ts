import { auditDatabase } from '../support/audit.js';
import { ADAPTERS } from '../support/battery/adapters.js';
import { Battery, modesOf, planOf } from '../support/battery/battery.js';
import { judge } from '../support/battery/judge.js';
import { SLOW_CASES } from '../support/battery/slow-cases.js';

/** The slow part of the battery: upstreams that fall silent, answers of many MiB. */
const PLAN = planOf(ADAPTERS, SLOW_CASES);
const RUNS = PLAN.flatMap(([adapter, one]) =>
  modesOf(one).map((mode) => [adapter.name, one.name, mode, adapter, one] as const),
);

let battery: Battery;
beforeAll(async () => {
  battery = await Battery.start();
  await battery.run(PLAN);
}, 600_000);
afterAll(() => battery.stop());

it.each(RUNS)('%s: %s (%s)', (_adapter, _name, mode, adapter, one) => {
  judge(one, battery.result(adapter, one, mode), mode);
});

it('the wallet has lost what was charged, and the ledger says so', async () => {
  expect(await battery.left()).toBe(battery.charged());
  expect(await auditDatabase(battery.world.database.url)).toEqual([]);
});
