import { micros, usdMicros } from '../../src/platform/money/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { newModel, RouterContext } from '../support/router-context.js';

describe('administration of the model pool', () => {
  let context: RouterContext;

  beforeAll(async () => {
    context = await RouterContext.create();
  });
  afterAll(() => context.destroy());

  describe('models', () => {
    it('keeps every field that was given', async () => {
      const input = newModel({
        displayName: 'Acme Small',
        alias: 'small',
        tier: 'premium',
        tags: ['new'],
        featureTags: ['chat', 'tools'],
        scenarioTags: ['coding'],
        skuTags: ['team'],
        industryPacks: ['finance'],
        mciScore: 62.5,
        description: 'Small and quick.',
        descriptionZh: '小而快。',
        customerImageInputMtok: '12.5',
        customerImageOutputMtok: '30',
        customerImageCachedInputMtok: '1',
      });
      const { rates, ...fields } = input;
      const model = await context.models.create(input);
      expect(model).toMatchObject({ ...fields, price: { ...rates, version: 1 }, endpoints: [] });
      expect(await context.models.read(model.id)).toEqual(model);
    });

    it('fills what was not given: name, empty tags, MCI 0, cache rates equal to the input rate, disabled', async () => {
      const rates = { inputPerMtok: micros(5), outputPerMtok: micros(7) };
      const { modelKey, ...rest } = newModel({ rates });
      const model = await context.models.create({ ...rest, modelKey, enabled: undefined });
      expect(model).toMatchObject({
        displayName: modelKey,
        tags: [],
        mciScore: 0,
        enabled: false,
        price: { cacheReadPerMtok: 5n, cacheWritePerMtok: 5n },
      });
    });

    it('refuses to enable a model without a price, at creation and later', async () => {
      const refusal = { kind: 'unprocessable', code: 'price_required' };
      await expect(context.models.create(newModel({ rates: undefined }))).rejects.toMatchObject(refusal);
      const model = await context.models.create(newModel({ rates: undefined, enabled: false }));
      expect(model.price).toBeNull();
      await expect(context.models.patch(model.id, { enabled: true })).rejects.toMatchObject(refusal);
      expect((await context.models.read(model.id)).enabled).toBe(false);
    });

    it('enables a model together with its first price', async () => {
      const model = await context.models.create(newModel({ rates: undefined, enabled: false }));
      const rates = { inputPerMtok: micros(0), outputPerMtok: micros(1) };
      const patched = await context.models.patch(model.id, { enabled: true, rates });
      expect(patched).toMatchObject({ enabled: true, price: { version: 1, inputPerMtok: 0n, outputPerMtok: 1n } });
    });

    it('needs input and output rate for a first price', async () => {
      const rates = { outputPerMtok: micros(1) };
      await expect(context.models.create(newModel({ rates }))).rejects.toMatchObject({
        kind: 'unprocessable',
        param: 'customer_input_mtok',
      });
    });

    it('makes a new price version when a rate changes and keeps the old one', async () => {
      const model = await context.models.create(newModel());
      const patched = await context.models.patch(model.id, { rates: { outputPerMtok: micros(1_000_000_000) } });
      expect(patched.price).toMatchObject({ version: 2, inputPerMtok: 200_000_000n, outputPerMtok: 1_000_000_000n });
      const versions = await context.prices.list(model.id);
      expect(versions.map(({ version }) => version)).toEqual([2, 1]);
      expect(await context.router.priceById(model.price?.id ?? '')).toEqual(model.price);
    });

    it('makes no version when the rates are the same', async () => {
      const model = await context.models.create(newModel());
      const patched = await context.models.patch(model.id, {
        rates: { inputPerMtok: micros(200_000_000) },
        alias: 'x',
      });
      expect(patched.price).toEqual(model.price);
      expect(patched.alias).toBe('x');
    });

    it('numbers versions without a clash when two operators change a price at once', async () => {
      const model = await context.models.create(newModel());
      await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          context.models.patch(model.id, { rates: { inputPerMtok: micros(1_000 + at) } }),
        ),
      );
      const versions = await context.prices.list(model.id);
      expect(versions.map(({ version }) => version)).toEqual([9, 8, 7, 6, 5, 4, 3, 2, 1]);
      expect((await context.models.read(model.id)).price).toEqual(versions[0]);
    });

    it('refuses a model_key that is taken', async () => {
      const first = await context.models.create(newModel());
      const second = await context.models.create(newModel());
      const refusal = { kind: 'conflict', code: 'name_taken', param: 'model_key' };
      await expect(context.models.create(newModel({ modelKey: first.modelKey }))).rejects.toMatchObject(refusal);
      await expect(context.models.patch(second.id, { modelKey: first.modelKey })).rejects.toMatchObject(refusal);
    });

    it.each(['', 'auto', 'auto:best', 'AUTO', '/x', 'a b', 'a*', 'ä', 'a/../b', 'a/..', 'a/./b', 'x'.repeat(129)])(
      'refuses the model_key %j',
      async (modelKey) => {
        await expect(context.models.create(newModel({ modelKey }))).rejects.toMatchObject({
          kind: 'unprocessable',
          code: 'invalid_field',
          param: 'model_key',
        });
      },
    );

    it.each([
      ['mci_score', { mciScore: 101 }],
      ['context_window', { contextWindow: 0 }],
      ['max_output_tokens', { maxOutputTokens: 1.5 }],
      ['rates.input_per_mtok', { rates: { inputPerMtok: micros(-1), outputPerMtok: micros(1) } }],
      ['feature_tags.0', { featureTags: [''] }],
    ])('refuses a bad %s', async (param, fields) => {
      await expect(context.models.create(newModel(fields))).rejects.toMatchObject({ kind: 'unprocessable', param });
    });

    it('lists newest first, in pages, by tier and state', async () => {
      const first = await context.models.create(newModel({ tier: 'economy' }));
      const second = await context.models.create(newModel({ tier: 'economy', enabled: false }));
      const third = await context.models.create(newModel({ tier: 'economy' }));
      const filter = { tier: 'economy' } as const;
      const page = await context.models.list(filter, { limit: 2, cursor: null });
      expect(page.items.map(({ id }) => id)).toEqual([third.id, second.id]);
      const rest = await context.models.list(filter, { limit: 2, cursor: page.nextCursor });
      expect(rest).toMatchObject({ items: [{ id: first.id }], nextCursor: null });
      const disabled = await context.models.list({ ...filter, enabled: false }, { limit: 9, cursor: null });
      expect(disabled.items.map(({ id }) => id)).toEqual([second.id]);
    });

    it('takes a model out of service and keeps its prices', async () => {
      const model = await context.models.create(newModel());
      await context.models.disable(model.id);
      expect((await context.models.read(model.id)).enabled).toBe(false);
      expect(await context.prices.list(model.id)).toHaveLength(1);
    });

    it('answers not_found for an unknown id', async () => {
      const refusal = { kind: 'not_found', code: 'model_not_found' };
      await expect(context.models.read(newId())).rejects.toMatchObject(refusal);
      await expect(context.models.patch(newId(), { alias: 'x' })).rejects.toMatchObject(refusal);
      await expect(context.models.disable(newId())).rejects.toMatchObject(refusal);
      await expect(context.prices.list(newId())).rejects.toMatchObject(refusal);
    });
  });

  describe('endpoints', () => {
    it('keeps every field and knows its provider', async () => {
      const { id } = await context.models.create(newModel());
      const providerId = await context.provider({ name: 'acme-one' });
      const input = {
        providerId,
        upstreamModel: 'small-1',
        priority: 2,
        weight: 3,
        timeouts: { headersMs: 1_000, idleMs: 500 },
        inputUsdPerMtok: usdMicros(150_000),
        outputUsdPerMtok: usdMicros(600_000),
        supportsPrefill: true,
        allowedFields: ['service_tier'],
        enabled: false,
      };
      const endpoint = await context.endpoints.create(id, input);
      expect(endpoint).toMatchObject({ ...input, modelId: id, providerName: 'acme-one', adapter: 'openai' });
      expect(await context.endpoints.read(id, endpoint.id)).toEqual(endpoint);
    });

    it('says that an endpoint of a disabled provider is disabled', async () => {
      const { id } = await context.models.create(newModel());
      const providerId = await context.provider({ enabled: false });
      expect(await context.endpoints.create(id, { providerId, upstreamModel: 'x' })).toMatchObject({ enabled: false });
    });

    it('replaces time-outs as a whole and leaves other fields alone', async () => {
      const { id, endpointId } = await context.servedModel();
      await context.endpoints.patch(id, endpointId, { timeouts: { headersMs: 1_000 }, weight: 5 });
      const patched = await context.endpoints.patch(id, endpointId, { timeouts: { idleMs: 70 } });
      expect(patched).toMatchObject({ timeouts: { idleMs: 70 }, weight: 5, upstreamModel: 'small-1' });
    });

    it('refuses the same upstream model at the same provider twice', async () => {
      const { id } = await context.models.create(newModel());
      const input = { providerId: await context.provider(), upstreamModel: 'x' };
      await context.endpoints.create(id, input);
      await expect(context.endpoints.create(id, input)).rejects.toMatchObject({ kind: 'conflict', code: 'name_taken' });
    });

    it('refuses an unknown provider, and any field of the wrong range', async () => {
      const { id } = await context.models.create(newModel());
      await expect(context.endpoints.create(id, { providerId: newId(), upstreamModel: 'x' })).rejects.toMatchObject({
        kind: 'unprocessable',
        code: 'unknown_reference',
        param: 'provider_id',
      });
      const providerId = await context.provider();
      await expect(
        context.endpoints.create(id, { providerId, upstreamModel: 'x', timeouts: { idleMs: 1 } }),
      ).rejects.toMatchObject({ kind: 'unprocessable', param: 'timeouts.idle_ms' });
    });

    it('looks endpoints up under their own model only', async () => {
      const mine = await context.servedModel();
      const other = await context.models.create(newModel());
      const refusal = { kind: 'not_found', code: 'endpoint_not_found' };
      await expect(context.endpoints.read(other.id, mine.endpointId)).rejects.toMatchObject(refusal);
      await expect(context.endpoints.patch(other.id, mine.endpointId, { weight: 2 })).rejects.toMatchObject(refusal);
      await expect(context.endpoints.remove(other.id, mine.endpointId)).rejects.toMatchObject(refusal);
      await context.endpoints.remove(mine.id, mine.endpointId);
      expect(await context.endpoints.list(mine.id)).toEqual([]);
    });
  });

  describe('tier rates', () => {
    it('exist for every tier from the first migration on', async () => {
      const rates = await context.tierRates.list();
      expect(rates.map(({ tier }) => tier)).toEqual(['economy', 'standard', 'premium']);
    });

    it('get a new version with each change; absent fields stay', async () => {
      const [before] = (await context.tierRates.list()).filter(({ tier }) => tier === 'premium');
      const rate = await context.tierRates.addVersion('premium', { usdPerCredit: usdMicros(2_500) });
      expect(rate).toMatchObject({
        version: 2,
        usdPerCredit: 2_500n,
        name: before?.name,
        sortOrder: before?.sortOrder,
      });
      expect((await context.tierRates.history()).filter(({ tier }) => tier === 'premium')).toHaveLength(2);
    });

    it('are numbered without gaps under concurrent changes', async () => {
      await Promise.all(
        Array.from({ length: 6 }, (_, at) =>
          context.tierRates.addVersion('economy', { usdPerCredit: usdMicros(10 + at) }),
        ),
      );
      const versions = (await context.tierRates.history()).filter(({ tier }) => tier === 'economy');
      expect(versions.map(({ version }) => version)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    });

    it('are never zero', async () => {
      await expect(context.tierRates.addVersion('economy', { usdPerCredit: usdMicros(0) })).rejects.toMatchObject({
        kind: 'unprocessable',
        param: 'usd_per_credit',
      });
    });
  });
});
