import fc from 'fast-check';
import {
  endpoint,
  model,
  routeRequest,
  surroundings,
  tierRates,
  type ModelFields,
} from '../../../test/support/router-builders.js';
import { CANDIDATES_MAX, pickAuto } from './auto.js';
import type { ModelRecord, RequestNeeds, RouteRequest } from './model.js';
import { Pool } from './pool.js';
import { scoreOf, weighingOf } from './weights.js';

const healthy: (endpointId: string) => boolean = () => true;
const NEEDS: RequestNeeds = {
  tools: false,
  vision: false,
  jsonSchema: false,
  inputTokens: 100,
  outputTokens: 100,
  frozenOutputTokens: 100,
};

function pick(models: readonly ModelRecord[], request: Partial<RouteRequest> = {}, isHealthy = healthy) {
  return pickAuto(new Pool(models, tierRates()), routeRequest(request), surroundings({ isHealthy }));
}

function chosenKey(models: readonly ModelRecord[], request: Partial<RouteRequest> = {}): string | undefined {
  return pick(models, request).chosen?.pooled.model.modelKey;
}

/** Why the model `odd` lost against a weaker, plain one. */
function lostOf(odd: ModelFields, request: Partial<RouteRequest> = {}, isHealthy = healthy): string | null | undefined {
  const models = [model('odd', { mciScore: 99, ...odd }), model('plain', { mciScore: 1 })];
  const { candidates, chosen } = pick(models, request, isHealthy);
  expect(chosen?.pooled.model.modelKey).toBe('plain');
  return candidates.find((candidate) => candidate.modelKey === 'odd')?.lost;
}

describe('the choice of auto', () => {
  it('takes the better of two models of one price', () => {
    expect(chosenKey([model('weak', { mciScore: 40 }), model('strong', { mciScore: 80 })])).toBe('strong');
  });

  it('takes the cheaper of two models of one quality', () => {
    const dear = model('dear', { rates: { input: 400, output: 400 } });
    expect(chosenKey([dear, model('cheap')])).toBe('cheap');
  });

  it('compares prices of different tiers in USD, not in credits', () => {
    const models = [
      model('few-dear-credits', { tier: 'premium', rates: { input: 100, output: 100 } }),
      model('many-cheap-credits', { tier: 'economy', rates: { input: 200, output: 200 } }),
    ];
    const pool = new Pool(models, tierRates({ premium: 0.01, economy: 0.001 }));
    expect(pickAuto(pool, routeRequest(), surroundings()).chosen?.pooled.model.modelKey).toBe('many-cheap-credits');
  });

  it('weighs the price by the tokens of this request', () => {
    const models = [
      model('dear-output', { rates: { input: 50, output: 1_000 } }),
      model('dear-input', { rates: { input: 1_000, output: 50 } }),
    ];
    expect(chosenKey(models, { needs: { ...NEEDS, inputTokens: 50_000, outputTokens: 50 } })).toBe('dear-output');
    expect(chosenKey(models, { needs: { ...NEEDS, inputTokens: 20, outputTokens: 4_000 } })).toBe('dear-input');
  });

  it('prefers a model whose endpoints are all healthy to an equal one with a broken endpoint', () => {
    const models = [model('a', { endpoints: [endpoint({ id: 'ok-a' }), endpoint({ id: 'broken' })] }), model('b')];
    expect(pick(models, {}, (id) => id !== 'broken').chosen?.pooled.model.modelKey).toBe('b');
  });

  it('says in one sentence why', () => {
    expect(pick([model('a')]).reason).toMatch(
      /^best score 0\.\d{3} \(expected quality 0\.50, about 0\.000040 USD, standard rates\)$/,
    );
    expect(pick([model('a'), model('b')]).reason).toMatch(/^drawn for this session among 2 models of near-equal score/);
  });
});

describe('who is no candidate, and why', () => {
  it('models of a tier that is not allowed', () => {
    expect(lostOf({ tier: 'premium' }, { allowedTiers: ['standard'] })).toBe('tier not allowed');
  });

  it('blacklisted models', () => {
    expect(lostOf({}, { isBlacklisted: ({ modelKey }) => modelKey === 'odd' })).toBe('blacklisted');
  });

  it.each([
    ['tools', { tools: true }, ['chat', 'vision', 'json_schema']],
    ['vision', { vision: true }, ['chat', 'tools', 'json_schema']],
    ['json_schema', { jsonSchema: true }, ['chat', 'tools', 'vision']],
    ['tools and vision', { tools: true, vision: true }, []],
  ])('models that cannot do %s', (missing, needs, featureTags) => {
    expect(lostOf({ featureTags }, { needs: { ...NEEDS, ...needs } })).toBe(`cannot do ${missing}`);
  });

  it('the tag json is enough for a JSON schema, and chat needs no tag', () => {
    expect(chosenKey([model('a', { featureTags: ['json'] })], { needs: { ...NEEDS, jsonSchema: true } })).toBe('a');
    expect(chosenKey([model('a', { featureTags: [] })])).toBe('a');
  });

  it('models whose context window is too small for prompt and answer', () => {
    const needs = { ...NEEDS, inputTokens: 900, outputTokens: 200 };
    expect(lostOf({ contextWindow: 1_000 }, { needs })).toBe('context window 1000 is below the estimated 1100 tokens');
  });

  it('models without an enabled endpoint', () => {
    expect(lostOf({ endpoints: [] })).toBe('no enabled endpoint');
    expect(lostOf({ endpoints: [endpoint({ enabled: false })] })).toBe('no enabled endpoint');
  });

  it('models whose breakers are all open', () => {
    const endpoints = [endpoint({ id: 'broken-1' }), endpoint({ id: 'broken-2' })];
    const lost = lostOf({ endpoints }, {}, (id) => !id.startsWith('broken'));
    expect(lost).toBe('no healthy endpoint: all breakers open');
  });

  it('models that scored lower, with their score', () => {
    const { candidates } = pick([model('a', { mciScore: 90 }), model('b', { mciScore: 10 })]);
    const weighed = expect.objectContaining({ lot: expect.any(Number) as number }) as never;
    expect(candidates).toEqual([
      { modelKey: 'a', tier: 'standard', score: expect.any(Number) as number, lost: null, weighed },
      { modelKey: 'b', tier: 'standard', score: expect.any(Number) as number, lost: 'lower score: quality', weighed },
    ]);
  });

  it('disabled models, which are not even named', () => {
    const { candidates } = pick([model('hidden', { enabled: false }), model('a')]);
    expect(candidates.map(({ modelKey }) => modelKey)).toEqual(['a']);
  });
});

describe('output limits', () => {
  const needs = { ...NEEDS, outputTokens: 16_000 };

  it('prefer a model that can write as much as the request allows', () => {
    expect(lostOf({ maxOutputTokens: 8_000 }, { needs: { ...NEEDS, outputTokens: 8_100 } })).toBe(
      'writes fewer output tokens than the request allows',
    );
  });

  it('do not leave a caller without a model', () => {
    const models = [model('a', { maxOutputTokens: 4_096, mciScore: 60 }), model('b', { maxOutputTokens: 8_192 })];
    expect(chosenKey(models, { needs })).toBe('a');
  });

  it('count no more than the model can write against its context window', () => {
    expect(chosenKey([model('a', { contextWindow: 5_000, maxOutputTokens: 4_096 })], { needs })).toBe('a');
  });
});

describe('the sandbox', () => {
  const sandbox = model('sandbox/one', { mciScore: 99, endpoints: [endpoint({ adapter: 'sandbox' })] });

  it('serves auto while there is nothing real', () => {
    const unreal = [
      model('disabled', { enabled: false }),
      model('no-endpoint', { endpoints: [] }),
      model('disabled-endpoint', { endpoints: [endpoint({ enabled: false })] }),
    ];
    expect(chosenKey([sandbox, ...unreal])).toBe('sandbox/one');
  });

  it('leaves auto as soon as a real model is enabled, in whatever tier', () => {
    const { chosen, candidates } = pick([sandbox, model('real', { tier: 'premium', mciScore: 1 })]);
    expect(chosen?.pooled.model.modelKey).toBe('real');
    expect(candidates[1]).toEqual({
      modelKey: 'sandbox/one',
      tier: 'standard',
      score: null,
      lost: 'sandbox, and real models are enabled',
    });
  });

  it('does not stain a model that also has a real endpoint', () => {
    const mixed = model('mixed', { endpoints: [endpoint({ adapter: 'sandbox' }), endpoint()] });
    expect(chosenKey([sandbox, mixed])).toBe('mixed');
  });
});

describe('stickiness', () => {
  const equals = ['a', 'b', 'c', 'd'].map((key) => model(key));

  it('gives a session the same model again, also from a pool that was loaded in another order', () => {
    fc.assert(
      fc.property(fc.string(), fc.shuffledSubarray(equals, { minLength: 4 }), (sessionKey, shuffled) => {
        expect(chosenKey(shuffled, { sessionKey })).toBe(chosenKey(equals, { sessionKey }));
      }),
    );
  });

  it('spreads sessions over models of near-equal score', () => {
    const keys = Array.from({ length: 400 }, (_, at) => chosenKey(equals, { sessionKey: `key:user-${at}` }));
    for (const key of ['a', 'b', 'c', 'd']) expect(keys.filter((one) => one === key).length).toBeGreaterThan(60);
  });

  it('never spreads to a model that is clearly worse', () => {
    const models = [...equals, model('worse', { mciScore: 47 })];
    for (let at = 0; at < 400; at += 1) expect(chosenKey(models, { sessionKey: `user-${at}` })).not.toBe('worse');
  });

  it('moves only the sessions of a model that leaves', () => {
    for (let at = 0; at < 200; at += 1) {
      const sessionKey = `user-${at}`;
      const before = chosenKey(equals, { sessionKey });
      const after = chosenKey(equals.slice(1), { sessionKey });
      if (before !== 'a') expect(after).toBe(before);
    }
  });

  it('holds while a talk grows', () => {
    for (let at = 0; at < 50; at += 1) {
      const keys = [400, 900, 3_000, 9_000].map((inputTokens) =>
        chosenKey(equals, { sessionKey: `user-${at}`, needs: { ...NEEDS, inputTokens, outputTokens: 1_024 } }),
      );
      expect(new Set(keys).size).toBe(1);
    }
  });
});

describe('when nothing can serve', () => {
  it('names the reason of every model', () => {
    const { chosen, candidates, waitsForHealth } = pick(
      [model('a', { featureTags: [] }), model('b', { tier: 'premium' })],
      {
        allowedTiers: ['standard'],
        needs: { ...NEEDS, tools: true },
      },
    );
    expect(chosen).toBeNull();
    expect(waitsForHealth).toBe(false);
    expect(candidates.map(({ lost }) => lost)).toEqual(['cannot do tools', 'tier not allowed']);
  });

  it('tells when only health is missing', () => {
    expect(pick([model('a')], {}, () => false)).toMatchObject({ chosen: null, waitsForHealth: true });
  });

  it('answers for an empty pool and for no allowed tier', () => {
    expect(pick([])).toMatchObject({ chosen: null, candidates: [], waitsForHealth: false });
    expect(pick([model('a')], { allowedTiers: [] }).candidates).toEqual([
      { modelKey: 'a', tier: 'standard', score: null, lost: 'tier not allowed' },
    ]);
  });
});

describe('a pool of thousands', () => {
  const many = Array.from({ length: 5_000 }, (_, at) => model(`model-${at}`, { mciScore: (at * 7) % 100 }));

  it('is chosen from at its best, and a bounded number is explained', () => {
    const { chosen, candidates, others } = pick(many);
    expect(chosen?.pooled.model.mciScore).toBe(99);
    expect(candidates).toHaveLength(CANDIDATES_MAX);
    expect(others.length).toBeLessThan(CANDIDATES_MAX);
  });

  it('finds the best model also behind hundreds that are blacklisted, and lists it first', () => {
    const { chosen, candidates } = pick(many, {
      isBlacklisted: ({ modelKey }) => modelKey !== 'model-0',
    });
    expect(chosen?.pooled.model.modelKey).toBe('model-0');
    expect(candidates).toHaveLength(CANDIDATES_MAX);
    expect(candidates[0]).toMatchObject({ modelKey: 'model-0', lost: null });
  });

  it('takes a score that is as good as the best within the margin', () => {
    const flaky = (id: string): boolean => !id.endsWith('-0');
    const arbitraryModel = fc.record({
      mciScore: fc.integer({ min: 0, max: 100 }),
      credits: fc.integer({ min: 1, max: 2_000 }),
      endpoints: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(arbitraryModel, { minLength: 1, maxLength: 120 }), fc.string(), (specs, sessionKey) => {
        const models = specs.map(({ mciScore, credits, endpoints }, at) =>
          model(`m-${at}`, {
            mciScore,
            rates: { input: credits, output: credits },
            endpoints: Array.from({ length: endpoints }, (_, n) => endpoint({ id: `e-${at}-${n}` })),
          }),
        );
        const { chosen, candidates } = pick(models, { sessionKey }, flaky);
        const scores = candidates.flatMap(({ score }) => (score === null ? [] : [score]));
        if (chosen === null) expect(scores).toEqual([]);
        else
          expect(scoreOf(chosen.factors, weighingOf({}, null).weights)).toBeGreaterThan(Math.max(...scores) - 0.0041);
      }),
    );
  });
});
