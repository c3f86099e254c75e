import { pickAuto } from '../../src/router/domain/auto.js';
import { drawFor, hashText } from '../../src/router/domain/hash.js';
import { Pool } from '../../src/router/domain/pool.js';
import { endpoint, model, routeRequest, surroundings, tierRates } from '../support/router-builders.js';

/**
 * `npm run bench:routing`: what one choice of `auto` costs, by the size of the pool, and what a change of one model does. In
 * memory, one process, nothing else.
 */
const SIZES = [50, 500, 5_000];
const ENDPOINTS_A_MODEL = 4;
const CHOICES = 2_000;
const CHANGES = 20;

function main(): void {
  const lines = SIZES.map((models) => {
    const pool = poolOf(models);
    const plain = medianUs(CHOICES, (at) => pickAuto(pool, routeRequest({ sessionKey: String(at) }), around(at)));
    const needy = medianUs(CHOICES, (at) => {
      const request = routeRequest({
        sessionKey: String(at),
        needs: { tools: true, vision: true, inputTokens: 60_000 },
      });
      return pickAuto(pool, request, around(at));
    });
    const changed = pool.models()[0];
    const change = medianUs(CHANGES, () =>
      pool.withModels([changed?.id ?? ''], changed === undefined ? [] : [{ ...changed }]),
    );
    return { models, endpoints: models * ENDPOINTS_A_MODEL, plain_us: plain, needy_us: needy, change_us: change };
  });
  console.table(lines);
}

/** Models of many prices, qualities, sizes and abilities, the same in every run. */
function poolOf(models: number): Pool {
  const records = Array.from({ length: models }, (_, at) => {
    const draw = (salt: number): number => drawFor(hashText(String(at)), salt);
    const input = 10 ** (draw(1) * 3);
    return model(`m-${String(at)}`, {
      tier: (['economy', 'standard', 'premium'] as const)[at % 3] ?? 'standard',
      mciScore: Math.round(draw(2) * 100),
      rates: { input, output: input * (1 + 5 * draw(3)) },
      contextWindow: 8_192 * 2 ** Math.floor(draw(4) * 6),
      featureTags: ['tools', 'vision', 'json'].filter((_tag, bit) => draw(5 + bit) < 0.6),
      endpoints: Array.from({ length: ENDPOINTS_A_MODEL }, (_one, priority) => endpoint({ priority })),
    });
  });
  return new Pool(records, tierRates());
}

function around(at: number): ReturnType<typeof surroundings> {
  return surroundings({ demand: (at % 100) / 100 });
}

function medianUs(times: number, work: (at: number) => unknown): number {
  const took = Array.from({ length: times }, (_, at) => {
    const startedMs = performance.now();
    work(at);
    return performance.now() - startedMs;
  }).sort((left, right) => left - right);
  return Math.round((took[Math.floor(times / 2)] ?? 0) * 10_000) / 10;
}

main();
