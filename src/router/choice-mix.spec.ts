import { model, routeRequest, surroundings, tierRates } from '../../test/support/router-builders.js';
import { ChoiceMix } from './choice-mix.js';
import { pickAuto } from './domain/auto.js';
import type { RoutingGroup } from './domain/ballot.js';
import { Pool } from './domain/pool.js';

/** Steps of the 32-bit generator mulberry32: the same numbers in every run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

const POOL = new Pool(
  [
    model('small', { mciScore: 45, rates: { input: 20, output: 80 } }),
    model('middle', { mciScore: 70, rates: { input: 120, output: 500 } }),
    model('large', { mciScore: 95, rates: { input: 600, output: 2_400 } }),
  ],
  tierRates(),
);
/** How many tokens a model writes for one that `small` writes. */
const WORDINESS: Record<string, number> = { small: 1, middle: 1.4, large: 3 };
const GROUPS: readonly RoutingGroup[] = ['router', 'control'];

/** What the caller of one session asks for, one request after the other. */
type Talk = readonly { demand: number; inputTokens: number; outputTokens: number }[];

/** Mean spend a request of both groups when the same talks come to both. */
function spentOn(talks: readonly Talk[]): Record<RoutingGroup, number> & { models: Set<string> } {
  const mix = new ChoiceMix();
  const spent = { router: 0, control: 0 };
  const models = new Set<string>();
  let requests = 0;
  for (const [at, talk] of talks.entries()) {
    requests += talk.length;
    for (const group of GROUPS) {
      let keptModelId: string | null = null;
      for (const { demand, inputTokens, outputTokens } of talk) {
        const request = routeRequest({ sessionKey: `${group} ${at}`, needs: { inputTokens, outputTokens: 4_000 } });
        const { kind, shareOf } = mix.lotteryFor(request);
        const pick = pickAuto(POOL, request, surroundings({ demand, keptModelId, group, shareOf }));
        if (group === 'router' || keptModelId === null) mix.note(kind, pick.routersChoice!.pooled.model.id);
        const { modelKey, pooled, price } = pick.chosen!;
        keptModelId = pooled.model.id;
        const written = Math.min(4_000, outputTokens * (WORDINESS[modelKey] ?? 1));
        const usd = (Number(price.inputPerMtok) * inputTokens + Number(price.outputPerMtok) * written) / 1e15;
        mix.spent(kind, group, usd);
        spent[group] += usd;
        if (group === 'control') models.add(modelKey);
      }
    }
  }
  return { router: spent.router / requests, control: spent.control / requests, models };
}

describe('the control group spends what the router spends', () => {
  const draw = chance(7);
  const many = (talk: () => Talk): Talk[] => Array.from({ length: 6_000 }, talk);
  const length = (): number => Math.round(20 * 2 ** (9 * draw()));

  it.each<[string, Talk[]]>([
    ['prompts of any length', many(() => [{ demand: draw(), inputTokens: length(), outputTokens: 300 * draw() }])],
    [
      'long prompts and answers where little is demanded',
      many(() => {
        const demand = draw();
        const scale = 2 - 1.9 * demand;
        return [{ demand, inputTokens: Math.round(2_000 * scale), outputTokens: 1_000 * scale }];
      }),
    ],
    [
      'long prompts and answers where much is demanded',
      many(() => {
        const demand = draw();
        const scale = 0.1 + 1.9 * demand;
        return [{ demand, inputTokens: Math.round(2_000 * scale), outputTokens: 1_000 * scale }];
      }),
    ],
    [
      'talks that begin hard and go on easily',
      many(() =>
        Array.from({ length: 1 + Math.floor(4 * draw()) }, (_, at) => ({
          demand: at === 0 ? draw() : 0.2 * draw(),
          inputTokens: 500 * (at + 1),
          outputTokens: 600 * draw(),
        })),
      ),
    ],
  ])('within three per cent: %s', (_what, talks) => {
    const { router, control, models } = spentOn(talks);
    expect(Math.abs(control / router - 1)).toBeLessThan(0.03);
    // By lot: not by choosing as the router does, nor by giving up a model.
    expect(models.size).toBe(3);
  });
});

it('follows the router while nothing is known, and a free model does not break the sum', () => {
  const mix = new ChoiceMix();
  const request = routeRequest();
  const { kind, shareOf, tilt } = mix.lotteryFor(request);
  expect([shareOf('id-of-small', 1), tilt]).toEqual([0, 0]);
  for (const id of ['id-of-small', 'id-of-large']) mix.note(kind, id);
  mix.spent(kind, 'router', 0.001);
  for (let at = 0; at < 10_000; at += 1) mix.spent(kind, 'control', 1);
  const dear = mix.lotteryFor(request);
  expect(dear.tilt).toBe(2);
  expect(dear.shareOf('id-of-small', 0)).toBeGreaterThan(dear.shareOf('id-of-large', 1));
  expect(Number.isFinite(dear.shareOf('id-of-small', 0))).toBe(true);
  for (let at = 0; at < 10_000; at += 1) mix.spent(kind, 'control', 0);
  expect(mix.lotteryFor(request).tilt).toBeLessThan(0);
});
