import type { AppError } from '../../src/platform/errors/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { micros, usdMicros } from '../../src/platform/money/index.js';
import { pollUntil, promised } from '../support/poll.js';
import { routeRequest } from '../support/router-builders.js';
import { newModel, RouterContext } from '../support/router-context.js';
import { thrownBy } from '../support/thrown.js';

describe('the pool of a process', () => {
  let context: RouterContext;

  beforeAll(async () => {
    context = await RouterContext.create({ STREAM_RESCUE: 'any' });
  });
  afterAll(() => context.destroy());

  const routed = (requestedModel: string) => () => context.router.route(routeRequest({ requestedModel }));

  it('routes to a new model by key and by id after catching up', async () => {
    const { id, modelKey, endpointId } = await context.servedModel();
    await context.feed.catchUp();
    for (const name of [modelKey, id]) {
      const route = context.router.route(routeRequest({ requestedModel: name }));
      expect(route).toMatchObject({ requestedModel: name, model: { id }, reason: 'the request names this model' });
      expect(route.endpoints.map((endpoint) => endpoint.id)).toEqual([endpointId]);
      expect(route.routingMs).toBeGreaterThanOrEqual(0);
    }
  });

  it('answers 404 for unknown and disabled models, alike', async () => {
    const { id, modelKey } = await context.servedModel();
    await context.models.disable(id);
    await context.feed.catchUp();
    for (const name of [modelKey, id, 'nobody/knows', newId(), 'AUTO', 'automatic']) {
      expect(thrownBy(routed(name))).toMatchObject({
        kind: 'model_not_found',
        code: 'model_not_found',
        param: 'model',
        message: `The model \`${name}\` does not exist or you do not have access to it.`,
      });
    }
  });

  it('checks tier and blacklist of a concrete model again', async () => {
    const { modelKey } = await context.servedModel({ tier: 'premium' });
    await context.feed.catchUp();
    const request = routeRequest({ requestedModel: modelKey, allowedTiers: ['standard'] });
    expect(thrownBy(() => context.router.route(request))).toMatchObject({
      kind: 'policy_rejected',
      message: 'requested tier is not allowed',
    });
    const blacklisted = routeRequest({ requestedModel: modelKey, isBlacklisted: () => true });
    expect(thrownBy(() => context.router.route(blacklisted))).toMatchObject({ kind: 'policy_rejected' });
  });

  it('never refuses a concrete model for an estimate of its context', async () => {
    const { modelKey } = await context.servedModel({ contextWindow: 100, maxOutputTokens: 10 });
    await context.feed.catchUp();
    const needs = { tools: true, vision: true, jsonSchema: true, inputTokens: 1_000_000, outputTokens: 1_000_000 };
    expect(context.router.route(routeRequest({ requestedModel: modelKey, needs })).model.modelKey).toBe(modelKey);
  });

  it('answers 503 with a time to wait for a model without an enabled endpoint', async () => {
    const { modelKey } = await context.models.create(newModel());
    await context.feed.catchUp();
    expect(thrownBy(routed(modelKey))).toMatchObject({
      kind: 'unavailable',
      retryAfterS: 5,
      facts: {
        selected_model: modelKey,
        candidates: [{ model_key: modelKey, tier: 'standard', score: null, lost: 'no enabled endpoint' }],
      },
    });
  });

  it('follows a provider that is disabled and enabled again', async () => {
    const providerId = await context.provider();
    const { id, modelKey } = await context.models.create(newModel());
    await context.endpoints.create(id, { providerId, upstreamModel: 'x' });
    const enable = async (enabled: boolean): Promise<void> => {
      await context.dataSource.query('update provider set enabled = $2 where id = $1', [providerId, enabled]);
      await context.feed.catchUp();
    };
    await enable(false);
    expect(thrownBy(routed(modelKey))).toMatchObject({ kind: 'unavailable' });
    await enable(true);
    expect(routed(modelKey)().endpoints).toHaveLength(1);
  });

  it('is the same in another process within a second, without asking', async () => {
    const other = await context.another();
    try {
      const { id, modelKey } = await context.servedModel();
      await pollUntil(async () => other.router.findModel(modelKey), 'the new model', promised(1_000));
      await context.models.patch(id, { rates: { inputPerMtok: micros(7) } });
      await pollUntil(
        async () => (other.router.findModel(modelKey)?.price?.inputPerMtok === 7n ? true : null),
        'the new price',
        promised(1_000),
      );
      await context.tierRates.addVersion('standard', { usdPerCredit: usdMicros(4_321) });
      await pollUntil(
        async () => (other.router.usdPerCredit('standard') === 4_321n ? true : null),
        'the new tier rate',
        promised(1_000),
      );
    } finally {
      await other.close();
    }
  });

  it('gives a session the same model in every process', async () => {
    for (let at = 0; at < 4; at += 1) await context.servedModel({ tier: 'economy', mciScore: 70 });
    await context.feed.catchUp();
    const other = await context.another();
    try {
      for (let at = 0; at < 50; at += 1) {
        const request = routeRequest({ sessionKey: `key:user-${at}`, allowedTiers: ['economy'] });
        const here = context.router.route(request);
        const there = other.router.route(request);
        expect(there.model.id).toBe(here.model.id);
        expect(there.endpoints.map(({ id }) => id)).toEqual(here.endpoints.map(({ id }) => id));
      }
    } finally {
      await other.close();
    }
  });

  it('names rescuers of the same tier whose rates are no higher', async () => {
    const dear = { inputPerMtok: micros(900_000_000), outputPerMtok: micros(900_000_000) };
    const cheap = { inputPerMtok: micros(100_000_000), outputPerMtok: micros(100_000_000) };
    const first = await context.servedModel({ tier: 'premium', mciScore: 90, rates: cheap });
    const rescuer = await context.servedModel({ tier: 'premium', mciScore: 80, rates: cheap });
    await context.servedModel({ tier: 'premium', mciScore: 99, rates: dear });
    await context.feed.catchUp();
    const route = context.router.route(routeRequest({ allowedTiers: ['premium'] }));
    expect(route.model.id).toBe(first.id);
    expect(route.rescueModels.map(({ model }) => model.id)).toEqual([rescuer.id]);
    expect(route.rescueModels[0]?.endpoints.map(({ id }) => id)).toEqual([rescuer.endpointId]);
  });

  it('answers 502 with the reason of every model when auto has no candidate', async () => {
    const { modelKey } = await context.servedModel();
    await context.feed.catchUp();
    const error = thrownBy(() => context.router.route(routeRequest({ isBlacklisted: () => true })));
    expect(error).toMatchObject({ kind: 'routing', code: 'no_candidate' });
    const { candidates } = (error as AppError).facts as { candidates: object[] };
    expect(candidates).toContainEqual({ model_key: modelKey, tier: 'standard', score: null, lost: 'blacklisted' });
  });

  it('answers 502 when the router itself fails, and tells the caller nothing of it', () => {
    const isBlacklisted = (): boolean => {
      throw new Error('secret detail');
    };
    const error = thrownBy(() => context.router.route(routeRequest({ isBlacklisted })));
    expect(error).toMatchObject({ kind: 'routing', code: 'router_failed', message: 'the router failed' });
  });

  it('knows any price version by its id, and null for others', async () => {
    const model = await context.models.create(newModel());
    await context.models.patch(model.id, { rates: { inputPerMtok: micros(3) } });
    await context.feed.catchUp();
    expect(await context.router.priceById(model.price?.id ?? '')).toEqual(model.price);
    expect(await context.router.priceById(newId())).toBeNull();
  });
});
