import { micros } from '../../platform/money/index.js';
import type { Catalog } from '../../router/index.js';
import { endpoint, model, tierRates } from '../../../test/support/router-builders.js';
import { metaView, modelView, pricingView } from './catalog-view.js';

const PRICE = {
  id: 'price',
  modelId: 'id-1',
  version: 1,
  inputPerMtok: micros(200_000_000),
  outputPerMtok: micros(900_500_001),
  cacheReadPerMtok: micros(20_000_000),
  cacheWritePerMtok: micros(1),
  effectiveAt: new Date(0),
};

const full = model('acme/small', {
  id: 'id-1',
  displayName: 'Acme Small',
  alias: 'small',
  tags: ['new'],
  featureTags: ['chat', 'json_schema'],
  scenarioTags: ['coding'],
  skuTags: ['team'],
  industryPacks: ['finance'],
  mciScore: 62.5,
  description: 'Small and quick.',
  descriptionZh: '小而快。',
  price: PRICE,
  customerImageInputMtok: '12.5',
  endpoints: [endpoint({ providerName: 'off', enabled: false }), endpoint({ providerName: 'acme', priority: 2 })],
});

function catalog(models = [full], rates = tierRates()): Catalog {
  return { models, tierRates: rates, updatedAt: new Date('2026-01-02T03:04:05Z') };
}

describe('a model in the catalogue', () => {
  it('has every published field in camelCase, rates as numbers and image rates as strings', () => {
    expect(modelView(full, 'en')).toMatchObject({
      modelId: 'id-1',
      modelKey: 'acme/small',
      displayName: 'Acme Small',
      alias: 'small',
      tier: 'standard',
      provider: 'acme',
      tags: ['new'],
      featureTags: ['chat', 'json_schema'],
      scenarioTags: ['coding'],
      mciScore: 62.5,
      description: 'Small and quick.',
      customerInputMtok: 200,
      customerOutputMtok: 900.500001,
      customerCachereadMtok: 20,
      customerCachewriteMtok: 0.000001,
      customerImageInputMtok: '12.5',
      customerImageOutputMtok: '',
      customerImageCachedInputMtok: '',
    });
  });

  it('has the same values in snake_case beside them', () => {
    const view = modelView(full, 'en');
    const pairs = Object.keys(view).filter((name) => /[A-Z]/.test(name));
    expect(pairs.length).toBeGreaterThan(10);
    for (const name of pairs) {
      const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      expect(view[snake]).toEqual(view[name]);
    }
    expect(view).toMatchObject({
      model_key: 'acme/small',
      customer_cacheread_mtok: 20,
      customer_image_input_mtok: '12.5',
    });
  });

  it('is described in Chinese where there is a Chinese text', () => {
    expect(modelView(full, 'zh')['description']).toBe('小而快。');
    expect(modelView({ ...full, descriptionZh: '' }, 'zh')['description']).toBe('Small and quick.');
  });

  it('names no provider while it has no endpoint, and tells nothing of hosts and upstream names', () => {
    expect(modelView({ ...full, endpoints: [] }, 'en')['provider']).toBe('');
    expect(JSON.stringify(modelView(full, 'en'))).not.toMatch(/acme\.example|small-1|baseUrl/);
  });
});

describe('what the filters can be set to', () => {
  it('lists distinct values of enabled models with labels', () => {
    const other = model('b', { skuTags: ['team', 'GPT4'], featureTags: ['json_schema'], industryPacks: ['law'] });
    expect(metaView(catalog([full, other]), 'en')).toMatchObject({
      tiers: [
        { value: 'economy', label: 'Economy' },
        { value: 'standard', label: 'Standard' },
        { value: 'premium', label: 'Premium' },
      ],
      skus: [
        { value: 'GPT4', label: 'GPT4' },
        { value: 'team', label: 'Team' },
      ],
      featureTags: [
        { value: 'chat', label: 'Chat' },
        { value: 'json_schema', label: 'Json schema' },
      ],
      industryPacks: [
        { value: 'finance', label: 'Finance' },
        { value: 'law', label: 'Law' },
      ],
      providers: [{ value: 'acme', label: 'Acme' }],
      updatedAt: '2026-01-02T03:04:05.000Z',
    });
  });

  it('labels tiers in Chinese on request', () => {
    expect(metaView(catalog(), 'zh')['tiers']).toContainEqual({ value: 'premium', label: '高级' });
  });
});

describe('pricing', () => {
  it('shows what a credit costs in both directions, as decimal strings', () => {
    const view = pricingView(catalog([full], tierRates({ economy: 0.0008, premium: 0.003 })));
    expect(view).toMatchObject({
      currentVersion: '1',
      updatedAt: '2026-01-02T03:04:05.000Z',
      skus: [{ code: 'team', name: 'Team', description: '' }],
    });
    expect(view['tiers']).toMatchObject([
      {
        code: 'economy',
        usdPerCredit: '0.000800',
        creditsPerUsd: '1250.000000',
        unit: 'USD/Credit',
        rateVersion: '1',
        sortOrder: 0,
      },
      { code: 'standard', usdPerCredit: '0.001000', creditsPerUsd: '1000.000000' },
      { code: 'premium', usdPerCredit: '0.003000', creditsPerUsd: '333.333333', sortOrder: 2 },
    ]);
  });

  it('has strings only, but for the integer of the order', () => {
    const { tiers, skus, ...rest } = pricingView(catalog([full], tierRates()));
    for (const entry of [rest, ...(tiers as object[]), ...(skus as object[])]) {
      for (const [name, value] of Object.entries(entry)) {
        expect([name, typeof value]).toEqual([name, /^sort_?order$/i.test(name) ? 'number' : 'string']);
      }
    }
  });

  it('answers for a gateway without rates', () => {
    expect(pricingView(catalog([], []))).toMatchObject({ tiers: [], skus: [], currentVersion: '0' });
  });
});
