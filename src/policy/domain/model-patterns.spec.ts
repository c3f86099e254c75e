import fc from 'fast-check';
import { promised } from '../../../test/support/poll.js';
import { ModelPatterns } from './model-patterns.js';

const ID = '0195e5a0-0000-7000-8000-000000000001';

function matchOf(pattern: string, modelKey: string, id: string = ID): string | null {
  return new ModelPatterns([pattern]).match({ id, modelKey });
}

describe('ModelPatterns', () => {
  it.each([
    ['acme/small', 'acme/small', true],
    ['acme/small', 'acme/smaller', false],
    ['acme/small', 'ACME/small', false],
    ['*', 'anything', true],
    ['*-preview', 'acme/big-preview', true],
    ['*-preview', 'acme/big-preview-2', false],
    ['acme/*', 'acme/', true],
    ['acme/*', 'other/acme/x', false],
    ['*big*', 'acme/big', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['ab*ba', 'aba', false],
    ['*ab*ab*', 'abab', true],
    ['*ab*ab*', 'aab', false],
    ['**', 'x', true],
    ['a**b', 'ab', true],
    ['a.c', 'abc', false],
    ['[a-z]*', 'b', false],
    ['', 'x', false],
  ])('%p covers %p: %p', (pattern, name, expected) => {
    expect(matchOf(pattern, name) !== null).toBe(expected);
  });

  it('matches the id of a model as well, and names the pattern', () => {
    expect(matchOf(ID, 'acme/small')).toBe(ID);
    expect(matchOf('0195e5a0-*', 'acme/small')).toBe('0195e5a0-*');
  });

  it('matches nothing without patterns', () => {
    expect(new ModelPatterns([]).match({ id: ID, modelKey: 'acme/small' })).toBeNull();
  });

  it('agrees with a regular expression on small alphabets', () => {
    const word = (characters: string[]) =>
      fc.array(fc.constantFrom(...characters), { maxLength: 8 }).map((list) => list.join(''));
    fc.assert(
      fc.property(word(['a', 'b', '*']), word(['a', 'b']), (pattern, name) => {
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`);
        expect(matchOf(pattern, name, '#') !== null).toBe(expression.test(name) || expression.test('#'));
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not blow up on a pattern that makes a backtracking matcher explode', () => {
    const startedAt = performance.now();
    expect(matchOf(`${'*a'.repeat(100)}b`, 'a'.repeat(5_000))).toBeNull();
    expect(performance.now() - startedAt).toBeLessThan(promised(1_000));
  });
});
