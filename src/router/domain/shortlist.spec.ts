import fc from 'fast-check';
import { endpoint, model, routeRequest, surroundings, tierRates } from '../../../test/support/router-builders.js';
import { TIERS } from '../../wallet/index.js';
import { canServe, judged, type Probe, type ScoredModel } from './candidates.js';
import { neededCapabilities } from './capability.js';
import { compareText } from './endpoint-order.js';
import { hashText } from './hash.js';
import type { Knob } from './knob.js';
import { Pool } from './pool.js';
import { surveyOf } from './shortlist.js';
import { scoreOf, weighingOf } from './weights.js';

/** A search finds what a look at every model finds. Few different values, so that many scores are equal. */
const MOST = 4;

const models = fc.array(
  fc.record({
    tier: fc.constantFrom('standard', 'standard', 'standard', ...TIERS),
    mciScore: fc.oneof(fc.constantFrom(0, 50, 50, 80, 100), fc.nat(100)),
    rates: fc.record({ input: fc.constantFrom(0, 1, 10, 200, 3_000), output: fc.constantFrom(0, 5, 900, 9_000) }),
    contextWindow: fc.constantFrom(4_096, 32_768, 128_000),
    maxOutputTokens: fc.constantFrom(1_024, 8_192),
    featureTags: fc.oneof(
      { weight: 5, arbitrary: fc.constant(['tools', 'vision', 'json']) },
      fc.subarray(['tools', 'vision']),
    ),
    skuTags: fc.subarray(['coding', 'legal']),
    endpoints: fc.constantFrom('none', ...Array.from({ length: 8 }, () => 'real'), 'sandbox', 'sick', 'half sick'),
    isBlacklisted: fc.boolean(),
    isSlow: fc.boolean(),
  }),
  { minLength: 5, maxLength: 120, size: 'max' },
);

const requests = fc.record({
  tiers: fc.subarray([...TIERS], { minLength: 1 }),
  needs: fc.record({
    tools: fc.boolean(),
    vision: fc.boolean(),
    jsonSchema: fc.boolean(),
    inputTokens: fc.constantFrom(0, 10, 5_000, 40_000),
    outputTokens: fc.constantFrom(1, 1_024, 5_000),
  }),
  tags: fc.subarray(['coding', 'legal', 'nothing']),
  weights: fc.dictionary(fc.constantFrom('quality', 'price', 'latency', 'tags', 'stickiness', 'health'), fc.nat(10)),
  knob: fc.constantFrom<Knob>(null, 'cheap', 'best', 'fast', 0.3),
  demand: fc.constantFrom(0, 0.2, 0.5, 1),
  available: fc.constantFrom(null, 0n, 1_000n, 10_000_000n),
  kept: fc.nat(150),
  strictOutput: fc.boolean(),
});

type Specs = typeof models extends fc.Arbitrary<infer T> ? T : never;
type Asked = typeof requests extends fc.Arbitrary<infer T> ? T : never;

function poolOf(specs: Specs): Pool {
  const records = specs.map(({ endpoints, isBlacklisted, isSlow, ...fields }, at) => {
    const id = (part: string): string => `${endpoints} ${isSlow ? 'slow' : 'quick'} ${at} ${part}`;
    const adapter = endpoints === 'sandbox' ? 'sandbox' : 'openai';
    const own = ['first', 'second'].map((part) => endpoint({ id: id(part), adapter }));
    return model(`${isBlacklisted ? 'black' : 'm'}-${at}`, { ...fields, endpoints: endpoints === 'none' ? [] : own });
  });
  return new Pool(records, tierRates({ premium: 0.002 }));
}

function probe(pool: Pool, specs: Specs, asked: Asked): Probe {
  const kept = specs[asked.kept];
  const request = routeRequest({
    allowedTiers: asked.tiers,
    needs: asked.needs,
    preferences: { weights: {}, tags: asked.tags },
    isBlacklisted: ({ modelKey }) => modelKey.startsWith('black') && asked.demand > 0,
    availableMicros: () => asked.available,
  });
  const around = surroundings({
    demand: asked.demand,
    weighing: weighingOf(asked.weights, asked.knob),
    isHealthy: (id) => !(id.startsWith('sick') || (id.startsWith('half') && id.endsWith('first'))),
    speedOf: (id) => (id.includes('slow') ? { firstTokenMs: 4_000, tokensPerS: 20 } : null),
    keptModelId: kept === undefined ? null : `id-of-${kept.isBlacklisted ? 'black' : 'm'}-${asked.kept}`,
  });
  const needed = neededCapabilities(request.needs);
  return { pool, request, around, session: hashText('session'), needed, strictOutput: asked.strictOutput };
}

/** The rule: every model of the allowed tiers, the best first, then by tier and key. */
function plainly(of: Probe): ScoredModel[] {
  const found = TIERS.filter((tier) => of.request.allowedTiers.includes(tier)).flatMap((tier) =>
    of.pool.enabledIn(tier).flatMap((pooled) => {
      const one = pooled.model.price === null ? null : judged(pooled, pooled.model.price, of);
      return one !== null && canServe(one) ? [one] : [];
    }),
  );
  const score = ({ factors }: ScoredModel): number => scoreOf(factors, of.around.weighing.weights);
  return found
    .sort(
      (left, right) =>
        score(right) - score(left) ||
        TIERS.indexOf(left.tier) - TIERS.indexOf(right.tier) ||
        compareText(left.modelKey, right.modelKey),
    )
    .slice(0, MOST);
}

it('finds the same models as a look at every one', () => {
  fc.assert(
    fc.property(models, requests, (specs, asked) => {
      const of = probe(poolOf(specs), specs, asked);
      const { fits } = surveyOf(of, MOST);
      const keys = (list: readonly ScoredModel[]): string[] => list.map(({ modelKey }) => modelKey).sort(compareText);
      expect(keys(fits)).toEqual(keys(plainly(of)));
    }),
    { numRuns: 400, seed: 4 },
  );
});

it('finds the same in a pool that came about by changes', () => {
  fc.assert(
    fc.property(models, models, requests, (before, after, asked) => {
      const made = poolOf(after);
      const ids = [...new Set([...poolOf(before).models(), ...made.models()].map(({ id }) => id))];
      const changed = ids.reduce(
        (pool, id) =>
          pool.withModels(
            [id],
            made.models().filter((record) => record.id === id),
          ),
        poolOf(before),
      );
      expect(surveyOf(probe(changed, after, asked), MOST).fits).toEqual(surveyOf(probe(made, after, asked), MOST).fits);
    }),
    { numRuns: 30, seed: 5 },
  );
});
