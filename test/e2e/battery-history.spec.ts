import { ADAPTERS } from '../support/battery/adapters.js';
import { Battery, modesOf, planOf } from '../support/battery/battery.js';
import { HISTORY_CASES, STRICT_HISTORIES, THOUGHTLESS } from '../support/battery/history-cases.js';
import { judge } from '../support/battery/judge.js';

/** A talk goes on at another vendor, and what OpenAI takes is not refused because a vendor's form is narrower. */
const PLAN = [
  ...planOf(ADAPTERS, HISTORY_CASES),
  ...planOf(
    ADAPTERS.filter(({ name }) => name === 'openai'),
    [...STRICT_HISTORIES, THOUGHTLESS],
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
