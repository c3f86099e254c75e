import fc from 'fast-check';
import { model, routeRequest, surroundings, tierRates } from '../../../test/support/router-builders.js';
import { pickAuto } from './auto.js';
import { routeFactsOf } from './candidate-facts.js';
import type { Decision, Route } from './model.js';
import { Pool } from './pool.js';
import { DECISION_VERSION, replay } from './replay.js';
import { weighingOf } from './weights.js';

const share = fc.double({ min: 0, max: 1, noNaN: true });

/** The facts of a choice as a trace gives them back. */
function recorded(
  specs: readonly { mci: number; credits: number; share: number }[],
  around: Parameters<typeof surroundings>[0],
  sessionKey: string,
) {
  const models = specs.map(({ mci, credits }, at) =>
    model(`m-${at}`, { mciScore: mci, rates: { input: credits, output: credits } }),
  );
  const shareOf = (id: string): number => specs[Number(id.replace('id-of-m-', ''))]?.share ?? 0;
  const world = surroundings({ ...around, shareOf });
  const pick = pickAuto(new Pool(models, tierRates()), routeRequest({ sessionKey }), world);
  const decision: Decision = {
    version: DECISION_VERSION,
    group: world.group,
    ...world.weighing,
    gain: 0,
    demand: world.demand,
    inputTokens: 100,
    outputTokens: 100,
    kept: null,
    kind: null,
    tilt: 0,
    routersChoice: pick.routersChoice?.modelKey ?? '',
  };
  const route = { ...pick, requestedModel: 'auto', model: pick.chosen?.pooled.model, endpoints: [], decision };
  return JSON.parse(JSON.stringify(routeFactsOf(route as unknown as Route))) as Record<string, unknown>;
}

const specs = fc.array(
  fc.record({ mci: fc.integer({ min: 0, max: 100 }), credits: fc.integer({ min: 1, max: 2_000 }), share }),
  { minLength: 1, maxLength: 70 },
);

describe('a replay', () => {
  it('gives the same model and the same scores, whatever the pool, the weights, the knob and the group were', () => {
    const knob = fc.oneof(fc.constantFrom('cheap', 'best', 'fast', null), share);
    const weights = fc.record({ quality: share, price: share, latency: share });
    fc.assert(
      fc.property(
        specs,
        fc.record({ demand: share, group: fc.constantFrom('router', 'control') }),
        knob,
        weights,
        fc.string(),
        (pool, { demand, group }, turned, own, sessionKey) => {
          const facts = recorded(pool, { demand, group, weighing: weighingOf(own, turned) }, sessionKey);
          expect(replay(facts)).toMatchObject({ same: true, replayedModel: facts['selected_model'], group });
        },
      ),
    );
  });

  it('says so when a record was changed', () => {
    const facts = recorded(
      [
        { mci: 20, credits: 100, share: 0 },
        { mci: 90, credits: 100, share: 0 },
      ],
      {},
      'session',
    );
    expect(replay({ ...facts, selected_model: 'm-0' })).toMatchObject({
      same: false,
      storedModel: 'm-0',
      replayedModel: 'm-1',
    });
  });

  it.each([null, undefined, 'text', {}, { selected_model: 'a', candidates: [] }])(
    'has nothing to do with %j',
    (facts) => {
      expect(replay(facts)).toBeNull();
    },
  );
});
