import { endpoint, model } from '../../../test/support/router-builders.js';
import { thrownBy } from '../../../test/support/thrown.js';
import { isFiltered, matchesQuery, parseCatalogQuery } from './catalog-query.js';

const shown = model('acme/small', {
  featureTags: ['chat', 'tools'],
  skuTags: ['team'],
  scenarioTags: ['coding'],
  industryPacks: ['finance'],
  endpoints: [endpoint({ providerName: 'Acme' })],
});

const matches = (query: Record<string, string | string[]>): boolean => matchesQuery(shown, parseCatalogQuery(query));

describe('filters of the catalogue', () => {
  it.each([
    [{}, true],
    [{ tier: 'standard' }, true],
    [{ tier: 'S' }, true],
    [{ tier: 'premium' }, false],
    [{ tier: ['premium', 'standard'] }, true],
    [{ provider: 'acme' }, true],
    [{ provider: 'nobody' }, false],
    [{ feature_tag: 'tools' }, true],
    [{ feature_tag: ['tools', 'vision'] }, false],
    [{ pack: 'team' }, true],
    [{ pack: 'coding' }, true],
    [{ pack: 'finance' }, false],
    [{ industry_packs: ['law', 'finance'] }, true],
    [{ industry_packs: ['law', 'games'] }, false],
    [{ tier: 'standard', provider: 'acme', pack: 'team', industry_packs: 'finance', feature_tag: 'chat' }, true],
    [{ tier: 'premium', provider: 'acme' }, false],
    [{ provider: 'constructor' }, false],
    [{ 'industry_packs[]': 'finance' }, true],
    [{ 'industry_packs[]': ['law', 'games'] }, false],
    [{ industry_packs: 'law', 'industry_packs[]': ['games', 'finance'] }, true],
    [{ 'tier[]': 'premium', '__proto__[]': 'x' }, false],
    [{ tier: '', provider: ' ', feature_tag: '', unknown: 'x' }, true],
  ])('%j → %s', (query, expected) => {
    expect(matches(query)).toBe(expected);
  });

  it('refuses a tier that does not exist', () => {
    expect(thrownBy(() => parseCatalogQuery({ tier: 'gold' }))).toMatchObject({
      kind: 'invalid_request',
      param: 'tier',
      message: 'tier: must be economy, standard or premium',
    });
  });

  it.each([
    [undefined, 'en'],
    ['zh', 'zh'],
    ['zh-CN', 'zh'],
    ['EN_us', 'en'],
    ['fr', 'en'],
    [['zh', 'en'], 'zh'],
  ])('reads the locale %j as %s', (locale, expected) => {
    expect(parseCatalogQuery({ locale }).locale).toBe(expected);
  });

  it('knows whether anything is filtered', () => {
    expect(isFiltered(parseCatalogQuery({ locale: 'zh', tier: '' }))).toBe(false);
    expect(isFiltered(parseCatalogQuery({ industry_packs: 'x' }))).toBe(true);
  });
});
