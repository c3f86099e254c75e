import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { promised } from '../../../test/support/poll.js';
import { TokenCounter } from './token-counter.js';

const TEXTS = [
  '',
  'a',
  'Hello, world!',
  "I'll say it's DON'T, we've they'RE",
  'The quick brown fox jumps over the lazy dog. '.repeat(50),
  'Zażółć gęślą jaźń, Straße, naïve café, Ελληνικά, русский текст.',
  '你好，世界。这是一个测试，看看分词是否正确。',
  'こんにちは世界、テストです。',
  '👩‍👩‍👧‍👦 family 🎉🎉 emoji ✨',
  '  leading\n\n\n  and   trailing   \t\t\n',
  'const x = { a: [1, 22, 333, 4444], "b": `c${d}` };\n// comment\n'.repeat(10),
  '{"city":"Paris","unit":"celsius","nested":{"k":[true,false,null,-1.5e10]}}',
  '<|endoftext|> is plain text here',
  'x'.repeat(200),
];

/** Remembers how long the texts were that it was given one by one. */
class WatchedCounter extends TokenCounter {
  readonly charsCounted: number[] = [];

  override count(text: string): number {
    this.charsCounted.push(text.length);
    return super.count(text);
  }
}

describe('TokenCounter', () => {
  const counter = new TokenCounter();

  it.each(TEXTS)('agrees with the reference tokenizer: %j', (text) => {
    const expected = countTokens(text, { disallowedSpecial: new Set() });
    expect(counter.count(text)).toBe(expected);
  });

  it('agrees with the reference tokenizer on a thousand random texts', () => {
    const alphabet = ['a', 'the', ' ', ' of', '\n', '9', 'Ä', '漢', '🎉', "'s", '.', '-', 'ing', '\t', '_', 'É', '0x'];
    let state = 42;
    const random = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 1000; round += 1) {
      const text = Array.from({ length: 1 + random(60) }, () => alphabet[random(alphabet.length)]).join('');
      expect([text, counter.count(text)]).toEqual([text, countTokens(text)]);
    }
  });

  it.each([
    ['one letter', 'a'.repeat(200_000)],
    ['Chinese without punctuation', '漢字'.repeat(100_000)],
    ['spaces', ' '.repeat(200_000)],
    ['ten million characters', 'The quick brown fox. '.repeat(500_000)],
  ])('counts %s without holding up the process', (_name, text) => {
    const startedMs = performance.now();
    expect(counter.count(text)).toBeGreaterThan(text.length / 200);
    expect(performance.now() - startedMs).toBeLessThan(promised(5_000));
  });

  it('counts several texts one by one, and very many of them as one', () => {
    expect(counter.countAll(TEXTS)).toBe(TEXTS.reduce((sum, text) => sum + counter.count(text), 0));
    expect(counter.countAll([])).toBe(0);
    const texts = Array.from({ length: 4_000 }, (_, at) => `${at.toString()} ${'The quick brown fox. '.repeat(50)}`);
    const each = texts.reduce((sum, text) => sum + counter.count(text), 0);
    const watched = new WatchedCounter();
    expect(watched.countAll(texts) / each).toBeCloseTo(1, 1);
    expect(watched.charsCounted).toEqual([texts.join(' ').length]);
  });

  it('extrapolates a huge text to within one percent', () => {
    const sentence = 'The quick brown fox jumps over the lazy dog. ';
    const expected = counter.count(sentence.repeat(1_000)) * 100;
    expect(counter.count(sentence.repeat(100_000)) / expected).toBeCloseTo(1, 2);
  });
});
