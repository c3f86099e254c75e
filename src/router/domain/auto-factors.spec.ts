import { endpoint, model, routeRequest, surroundings, tierRates } from '../../../test/support/router-builders.js';
import { pickAuto, type Surroundings } from './auto.js';
import type { Knob } from './knob.js';
import type { ModelRecord, RequestNeeds, RouteRequest } from './model.js';
import { Pool } from './pool.js';
import { weighingOf } from './weights.js';

const NEEDS: RequestNeeds = {
  tools: false,
  vision: false,
  jsonSchema: false,
  inputTokens: 100,
  outputTokens: 100,
  frozenOutputTokens: 100,
};

function chosenIn(around: Partial<Surroundings>, models: readonly ModelRecord[], request: Partial<RouteRequest> = {}) {
  return pickAuto(new Pool(models, tierRates()), routeRequest(request), surroundings(around)).chosen?.modelKey;
}

describe('what the choice looks at', () => {
  const weak = model('weak', { mciScore: 55, rates: { input: 50, output: 50 } });
  const strong = model('strong', { mciScore: 88, rates: { input: 900, output: 900 } });

  it('a request on which a strong model gains much gets it, an easy one does not', () => {
    expect(chosenIn({ demand: 0 }, [weak, strong])).toBe('weak');
    expect(chosenIn({ demand: 0.9 }, [weak, strong])).toBe('strong');
  });

  it.each<[Knob, string]>([
    ['cheap', 'weak'],
    [0, 'weak'],
    ['best', 'strong'],
    [1, 'strong'],
  ])('the knob %s beats whatever the request demands', (knob, expected) => {
    for (const demand of [0.5, 0.7, 1])
      expect(chosenIn({ demand, weighing: weighingOf({}, knob) }, [weak, strong])).toBe(expected);
  });

  it('the fastest of equals, and with the knob fast also the faster of unequals', () => {
    const models = [model('slow', { endpoints: [endpoint({ id: 'slow-endpoint' })] }), model('quick')];
    const speedOf = (id: string) => (id === 'slow-endpoint' ? { firstTokenMs: 9_000, tokensPerS: 20 } : null);
    expect(chosenIn({ speedOf }, models)).toBe('quick');
    const better = [model('slow', { mciScore: 80, endpoints: [endpoint({ id: 'slow-endpoint' })] }), model('quick')];
    expect(chosenIn({ speedOf }, better)).toBe('slow');
    expect(chosenIn({ speedOf, weighing: weighingOf({}, 'fast') }, better)).toBe('quick');
  });

  it('the best model whose freeze fits the wallet', () => {
    const needs = { ...NEEDS, inputTokens: 1_000, outputTokens: 1_000, frozenOutputTokens: 1_000 };
    const availableMicros = (): bigint => 1_000_000n;
    const best = { demand: 1, weighing: weighingOf({}, 'best') };
    expect(chosenIn(best, [weak, strong], { needs })).toBe('strong');
    expect(chosenIn(best, [weak, strong], { needs, availableMicros })).toBe('weak');
    expect(chosenIn(best, [strong], { needs, availableMicros })).toBe('strong');
  });

  it('the tags that the policy prefers, of SKU or scenario', () => {
    const models = [model('plain'), model('sku', { skuTags: ['eu'] }), model('scenario', { scenarioTags: ['coding'] })];
    expect(chosenIn({}, models, { preferences: { weights: {}, tags: ['eu'] } })).toBe('sku');
    expect(chosenIn({}, models, { preferences: { weights: {}, tags: ['coding'] } })).toBe('scenario');
  });

  it('the model that the session has, unless another one is much better', () => {
    const models = [model('kept', { mciScore: 50 }), model('better', { mciScore: 60 })];
    expect(chosenIn({}, models)).toBe('better');
    expect(chosenIn({ keptModelId: 'id-of-kept' }, models)).toBe('kept');
    expect(chosenIn({ keptModelId: 'id-of-kept' }, [...models, model('far-better', { mciScore: 95 })])).toBe(
      'far-better',
    );
  });
});

describe('the control group', () => {
  const models = [model('weak', { mciScore: 20 }), model('strong', { mciScore: 90 })];
  const shareOf = (id: string): number => (id === 'id-of-weak' ? 0.25 : 0.75);

  it('draws models as often as the router chooses them, whatever the request is', () => {
    const drawn = Array.from({ length: 2_000 }, (_, at) =>
      chosenIn({ group: 'control', shareOf, demand: at % 2 }, models, { sessionKey: `user-${at}` }),
    );
    const weak = drawn.filter((key) => key === 'weak').length / drawn.length;
    expect(weak).toBeGreaterThan(0.21);
    expect(weak).toBeLessThan(0.29);
  });

  it('keeps the model of a session, and says what the router would choose', () => {
    const drawn = surroundings({ group: 'control', shareOf, keptModelId: 'id-of-weak' });
    const picked = pickAuto(new Pool(models, tierRates()), routeRequest(), drawn);
    expect(picked.chosen?.modelKey).toBe('weak');
    expect(picked.routersChoice?.modelKey).toBe('strong');
    expect(picked.candidates[1]?.lost).toBe('not drawn for the control group');
    expect(picked.reason).toContain('control group');
  });
});
