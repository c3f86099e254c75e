import { usdMicros } from '../../platform/money/index.js';
import { endpoint, model, tierRates } from '../../../test/support/router-builders.js';
import { Pool } from './pool.js';

describe('the pool', () => {
  it('finds models by key and by id, disabled ones too', () => {
    const pool = new Pool([model('a', { id: 'id-1' }), model('b', { enabled: false })], []);
    expect(pool.find('a')?.model.id).toBe('id-1');
    expect(pool.find('id-1')?.model.modelKey).toBe('a');
    expect(pool.find('b')?.model.enabled).toBe(false);
    expect(pool.find('c')).toBeNull();
  });

  it('does not find what JavaScript objects carry by themselves', () => {
    expect(new Pool([], []).find('constructor')).toBeNull();
  });

  it('forgets ids that are gone, renames, adds, and leaves the old pool as it was', () => {
    const old = new Pool([model('a'), model('b'), model('c')], tierRates());
    const next = old.withModels(['id-of-a', 'id-of-b', 'id-of-d'], [model('b2', { id: 'id-of-b' }), model('d')]);
    expect(next.models().map(({ modelKey }) => modelKey)).toEqual(['b2', 'c', 'd']);
    expect(next.find('b')).toBeNull();
    expect(old.models().map(({ modelKey }) => modelKey)).toEqual(['a', 'b', 'c']);
    expect(next.tierRates()).toEqual(old.tierRates());
  });

  it('uses the highest version of each tier rate', () => {
    const first = tierRates({ standard: 0.001 });
    const second = tierRates({ standard: 0.002 }).map((rate) => ({ ...rate, version: 2 }));
    const pool = new Pool([], [...second, ...first]);
    expect(pool.usdPerCredit('standard')).toBe(usdMicros(2_000));
    expect(pool.tierRates().map(({ version }) => version)).toEqual([2, 2, 2]);
  });

  it('shows enabled models only, as one object until something changes', () => {
    const pool = new Pool(
      [model('b', { updatedAt: new Date(5_000) }), model('a'), model('off', { enabled: false })],
      [],
    );
    expect(pool.catalog().models.map(({ modelKey }) => modelKey)).toEqual(['a', 'b']);
    expect(pool.catalog().updatedAt).toEqual(new Date(5_000));
    expect(pool.catalog()).toBe(pool.catalog());
  });

  it('knows a current price by its id', () => {
    const pool = new Pool([model('a')], []);
    expect(pool.currentPrice('price-of-a')?.modelId).toBe('id-of-a');
    expect(pool.currentPrice('price-of-b')).toBeNull();
  });

  it('counts a model as real only when it can be called at a real provider', () => {
    const sandbox = model('s', { endpoints: [endpoint({ adapter: 'sandbox' })] });
    expect(new Pool([sandbox], []).hasRealModel).toBe(false);
    expect(new Pool([sandbox, model('a', { endpoints: [] })], []).hasRealModel).toBe(false);
    expect(new Pool([sandbox, model('a', { enabled: false })], []).hasRealModel).toBe(false);
    expect(new Pool([sandbox, model('a', { tier: 'premium' })], []).hasRealModel).toBe(true);
  });
});
