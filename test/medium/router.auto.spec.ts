import { RoutingSums } from '../../src/router/index.js';
import { routeRequest } from '../support/router-builders.js';
import { newModel, RouterContext } from '../support/router-context.js';
import { thrownBy } from '../support/thrown.js';

/** `auto` as one process and as two of them have it. */
const HARD =
  'Statement 1 | Every subgroup of an abelian group is normal. Statement 2 | Every finite integral domain is a field.';
const EASY = 'What is the name of the first president of the United States?';
const words =
  (asked: string, opening: string | null = null) =>
  () => ({ asked, opening });

let context: RouterContext;

beforeAll(async () => {
  context = await RouterContext.create({ ROUTER_CONTROL_SHARE: '0.5' });
});
afterAll(() => context.destroy());

describe('auto', () => {
  it('says that the pool is empty, and that the router failed', async () => {
    expect(thrownBy(() => context.router.route(routeRequest()))).toMatchObject({ kind: 'routing', code: 'pool_empty' });
    const broken = routeRequest({
      words: () => {
        throw new TypeError('a fault');
      },
    });
    expect(thrownBy(() => context.router.route(broken))).toMatchObject({ kind: 'routing', code: 'router_failed' });
    expect(thrownBy(() => context.router.route(routeRequest({ requestedModel: 'auto:dear' })))).toMatchObject({
      kind: 'invalid_request',
      code: 'unknown_auto_knob',
    });
  });

  it('gives what demands a strong model to one, keeps the session there, and is at one with another process', async () => {
    const rates = newModel().rates!;
    const dearer = Object.fromEntries(
      Object.entries(rates).map(([name, rate]) => [name, (rate ?? 0n) * 6n]),
    ) as typeof rates;
    const weak = await context.servedModel({ mciScore: 52 });
    const strong = await context.servedModel({ mciScore: 88, rates: dearer });
    await context.feed.catchUp();
    const other = await context.another();
    try {
      const ask = (router: RouterContext, sessionKey: string, asked: string, opening: string | null = null) =>
        router.router.route(routeRequest({ sessionKey, words: words(asked, opening) }));
      const sessions = Array.from({ length: 60 }, (_, at) => `session-${at}`);
      const chosen = { hard: new Set<string>(), easy: new Set<string>() };
      for (const session of sessions) {
        const first = ask(context, session, HARD);
        const again = ask(context, session, EASY);
        const elsewhere = ask(other, session, EASY, HARD);
        expect(elsewhere.decision?.group).toBe(first.decision?.group);
        expect(again.model.id).toBe(first.model.id);
        if (first.decision?.group !== 'router') continue;
        expect(elsewhere.decision?.kept).toBe(first.model.modelKey);
        chosen.hard.add(first.model.modelKey);
        chosen.easy.add(ask(context, `other-${session}`, EASY).decision?.routersChoice ?? '');
      }
      expect([...chosen.hard]).toEqual([strong.modelKey]);
      expect([...chosen.easy]).toEqual([weak.modelKey]);
      const groups = sessions.filter((session) => ask(context, session, EASY).decision?.group === 'control');
      expect(groups.length).toBeGreaterThan(15);
      expect(groups.length).toBeLessThan(45);
    } finally {
      await other.close();
    }
  });

  it('counts what became of requests over processes', async () => {
    const call = {
      ...{
        group: 'control' as const,
        kind: null,
        modelKey: 'm',
        usd: 0.5,
        providerUsd: 0.4,
        estimatedUsd: 1,
        routersEstimatedUsd: 1,
      },
      ...{
        inputTokens: 10,
        outputTokens: 20,
        durationMs: 100,
        firstTokenMs: null,
        finishReason: 'stop',
        failure: null,
      },
    };
    const [from, to] = [new Date(Date.now() - 7_200_000), new Date(Date.now() + 7_200_000)];
    const other = await context.another();
    other.app.get(RoutingSums).note(call);
    await other.close();
    context.app.get(RoutingSums).note(call);
    const report = await context.app.get(RoutingSums).report(from, to);
    expect(report.groups.control).toMatchObject({ requests: 2, usd: 1, finish_reasons: { stop: 2 }, models: { m: 2 } });
    expect(report.groups.router.requests).toBe(0);
  });
});
