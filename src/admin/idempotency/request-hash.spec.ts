import { canonicalJson, requestHash } from './request-hash.js';

describe('requestHash', () => {
  it('does not depend on the order of fields', () => {
    const left = requestHash('POST /a', { name: 'x', deep: { b: 1, a: [2, 1] } });
    expect(requestHash('POST /a', { deep: { a: [2, 1], b: 1 }, name: 'x' })).toEqual(left);
  });

  it('depends on the operation, on values and on the order of lists', () => {
    const hashes = [
      requestHash('POST /a', { list: [1, 2] }),
      requestHash('POST /b', { list: [1, 2] }),
      requestHash('POST /a', { list: [2, 1] }),
      requestHash('POST /a', undefined),
    ].map((hash) => hash.toString('hex'));
    expect(new Set(hashes).size).toBe(4);
  });

  it('treats an absent body as null', () => {
    expect(canonicalJson(undefined)).toBe('null');
  });
});
