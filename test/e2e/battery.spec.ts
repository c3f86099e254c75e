import { auditDatabase } from '../support/audit.js';
import { ADAPTERS } from '../support/battery/adapters.js';
import { Battery, modesOf, planOf } from '../support/battery/battery.js';
import { CASES } from '../support/battery/cases.js';
import { FIELD_CASES } from '../support/battery/field-cases.js';
import { CARELESS, COMPATIBLE, compatibleCases } from '../support/battery/compatible.js';
import { judge } from '../support/battery/judge.js';

/** One battery for every adapter: whatever a vendor speaks, a caller sees OpenAI's shape, and every answer costs once. */
const PLAN = [
  ...planOf(ADAPTERS, [...CASES, ...FIELD_CASES]),
  ...COMPATIBLE.flatMap((vendor) => planOf([vendor], compatibleCases(vendor))),
  ...planOf(
    ADAPTERS.filter(({ name }) => name === 'openai'),
    CARELESS,
  ),
];
const RUNS = PLAN.flatMap(([adapter, one]) =>
  modesOf(one).map((mode) => [adapter.name, one.name, mode, adapter, one] as const),
);

let battery: Battery;
beforeAll(async () => {
  battery = await Battery.start();
  await battery.run(PLAN);
}, 240_000);
afterAll(() => battery.stop());

it.each(RUNS)('%s: %s (%s)', (_adapter, _name, mode, adapter, one) => {
  judge(one, battery.result(adapter, one, mode), mode);
});

it('the wallet has lost what was charged, and the ledger says so', async () => {
  expect(await battery.left()).toBe(battery.charged());
  expect(await auditDatabase(battery.world.database.url)).toEqual([]);
});
