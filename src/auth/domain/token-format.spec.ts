import fc from 'fast-check';
import { ADMIN_TOKEN_PREFIX, API_KEY_PREFIX, displayOfToken, isWellFormedToken, newToken } from './token-format.js';

const BASE62 = Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz');

describe('token format', () => {
  it('makes jt_ keys with at least 32 random base62 characters that are never the same', () => {
    const keys = Array.from({ length: 200 }, () => newToken(API_KEY_PREFIX));
    for (const key of keys) expect(key).toMatch(/^jt_[0-9A-Za-z]{38}$/);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('recognises its own tokens, each under its own prefix only', () => {
    const token = newToken(ADMIN_TOKEN_PREFIX);
    expect(isWellFormedToken(token, ADMIN_TOKEN_PREFIX)).toBe(true);
    expect(isWellFormedToken(token, API_KEY_PREFIX)).toBe(false);
  });

  it('notices any single mistyped character', () => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 40 }), fc.constantFrom(...BASE62), (place, character) => {
        const key = newToken(API_KEY_PREFIX);
        const mistyped = key.slice(0, place) + character + key.slice(place + 1);
        return mistyped === key || !isWellFormedToken(mistyped, API_KEY_PREFIX);
      }),
    );
  });

  it.each([
    '',
    'jt_',
    'jt_short',
    `jt_${'a'.repeat(38)}`,
    `jt_${'ä'.repeat(38)}`,
    `jt_${'a'.repeat(100_000)}`,
    'sk-abc',
  ])('refuses the text %#', (text) => {
    expect(isWellFormedToken(text, API_KEY_PREFIX)).toBe(false);
  });

  it('shows four characters at either end', () => {
    expect(displayOfToken('jt_AbCd0000000000000000000000000000000000wxyz')).toBe('jt_AbCd…wxyz');
  });
});
