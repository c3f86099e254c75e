import { MASK, maskSecrets } from './mask.js';

describe('maskSecrets', () => {
  it('replaces every field that holds a secret, at any depth', () => {
    const masked = maskSecrets({
      name: 'acme',
      api_key: 'sk-canary',
      keys: [{ key: 'jt_canary' }],
      deep: { token: 'ja_canary' },
    });
    expect(JSON.stringify(masked)).not.toContain('canary');
    expect(masked).toEqual({ name: 'acme', api_key: MASK, keys: [{ key: MASK }], deep: { token: MASK } });
  });

  it('keeps the difference between a secret that is set and one that is not', () => {
    expect(maskSecrets({ api_key: null })).toEqual({ api_key: null });
  });

  it('leaves plain values as they are', () => {
    expect(maskSecrets([1, 'key', null, true])).toEqual([1, 'key', null, true]);
  });
});
