import fc from 'fast-check';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { promised } from '../../../test/support/poll.js';
import { micros } from '../../platform/money/index.js';
import { countPromptTokens } from './count-tokens.js';
import { estimate, estimateTokens, nextExtension, STREAM_FIRST_TOKENS } from './estimate.js';
import { priceOf } from './price.js';

const SETTINGS = { DEFAULT_MAX_OUTPUT_TOKENS: 1024, DEFAULT_FREEZE_CREDITS: '1' };
const RATES = {
  inputPerMtok: micros(200_000_000n),
  outputPerMtok: micros(900_000_000n),
  cacheReadPerMtok: micros(20_000_000n),
  cacheWritePerMtok: micros(250_000_000n),
};
const ask = (content: unknown) => ({ messages: [{ role: 'user', content }] });

describe('countPromptTokens', () => {
  it.each([
    [
      'English',
      'The quick brown fox jumps over the lazy dog, and then it explains in some detail why it did so. '.repeat(20),
    ],
    ['Chinese', '今天的天气非常好，我们一起去公园散步，然后在湖边喝茶聊天。'.repeat(20)],
    ['Russian', 'Съешь же ещё этих мягких французских булок, да выпей чаю. '.repeat(20)],
    [
      'JSON',
      JSON.stringify(Array.from({ length: 60 }, (_, id) => ({ id, name: `user ${String(id)}`, active: id % 2 === 0 }))),
    ],
    ['code', 'function add(one: number, other: number): number {\n  return one + other;\n}\n'.repeat(20)],
  ])('is between two thirds and four times of what a tokenizer counts: %s', (_language, text) => {
    const counted = encode(text).length;
    const estimated = countPromptTokens(ask(text)) ?? 0;
    expect(estimated).toBeGreaterThan(counted * 0.66);
    expect(estimated).toBeLessThan(counted * 4);
  });

  it('weighs ASCII and other characters apart', () => {
    const base = countPromptTokens(ask('')) ?? 0;
    expect((countPromptTokens(ask('a'.repeat(400))) ?? 0) - base).toBe(100);
    expect((countPromptTokens(ask('漢'.repeat(100))) ?? 0) - base).toBe(100);
    expect((countPromptTokens(ask('é' + 'a'.repeat(400))) ?? 0) - base).toBe(101);
  });

  it('counts a picture flat, however many bytes it has', () => {
    const picture = (size: number) =>
      ask([{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(size)}` } }]);
    const base = countPromptTokens(ask([])) ?? 0;
    expect((countPromptTokens(picture(10)) ?? 0) - base).toBe(1_000);
    expect((countPromptTokens(picture(1_000_000)) ?? 0) - base).toBe(1_000);
  });

  it('counts sound and files by their size', () => {
    const base = countPromptTokens(ask([])) ?? 0;
    const sound = ask([{ type: 'input_audio', input_audio: { format: 'mp3', data: 'A'.repeat(4_000) } }]);
    const file = ask([{ type: 'file', file: { filename: 'a.pdf', file_data: 'A'.repeat(50_000) } }]);
    expect((countPromptTokens(sound) ?? 0) - base).toBe(10);
    expect((countPromptTokens(file) ?? 0) - base).toBe(1_000);
  });

  it('counts tools, tool calls and the schema of the answer', () => {
    const plain = countPromptTokens(ask('hi')) ?? 0;
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }];
    expect(countPromptTokens({ ...ask('hi'), tools }) ?? 0).toBeGreaterThan(plain + 20);
    expect(countPromptTokens({ ...ask('hi'), tools: null })).toBe(plain);
    const call = {
      role: 'assistant',
      content: null,
      tool_calls: [{ id: 'c', function: { name: 'f', arguments: 'x'.repeat(400) } }],
    };
    expect(countPromptTokens({ messages: [call] }) ?? 0).toBeGreaterThan(100);
  });

  it('survives any JSON and any depth', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.jsonValue(), { minLength: 1 }), (tools, messages) => {
        expect(countPromptTokens({ messages, tools })).toBeGreaterThan(0);
      }),
    );
    let deep: unknown = 'x';
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(countPromptTokens({ messages: [{ role: 'user', content: deep }] })).toBeGreaterThan(100_000);
  });

  it('takes a megabyte in a few milliseconds', () => {
    const body = ask('漢字 and words '.repeat(80_000));
    countPromptTokens(body);
    const startedMs = performance.now();
    countPromptTokens(body);
    expect(performance.now() - startedMs).toBeLessThan(promised(100));
  });
});

describe('estimate', () => {
  it('freezes the whole maximum of an ordinary request, times its choices', () => {
    const body = { ...ask('a'.repeat(400)), max_tokens: 50, max_completion_tokens: 200, n: 3 };
    const result = estimate(body, RATES, SETTINGS);
    expect(result).toMatchObject({ outputTokens: 600, requestedTokens: 600 });
    expect(result.amountMicros).toBe(
      priceOf(
        { inputTokens: result.inputTokens, outputTokens: 600, cachedInputTokens: 0, cachedOutputTokens: 0 },
        RATES,
      ),
    );
    expect(estimateTokens(body, SETTINGS)).toEqual({ inputTokens: result.inputTokens, outputTokens: 600 });
  });

  it('freezes at most the first 1024 tokens a choice of a stream', () => {
    const body = { ...ask('hi'), stream: true, max_tokens: 32_000, n: 2 };
    expect(estimate(body, RATES, SETTINGS)).toMatchObject({ outputTokens: 2_048, requestedTokens: 64_000 });
    expect(estimate({ ...body, max_tokens: 10 }, RATES, SETTINGS)).toMatchObject({
      outputTokens: 20,
      requestedTokens: 20,
    });
  });

  it('lets a request without a maximum go on after the default', () => {
    const result = estimate(ask('hi'), RATES, SETTINGS);
    expect(result.outputTokens).toBe(1024);
    expect(result.requestedTokens).toBeNull();
  });

  it('never freezes less than a micro-credit', () => {
    const free = {
      inputPerMtok: micros(0n),
      outputPerMtok: micros(0n),
      cacheReadPerMtok: micros(0n),
      cacheWritePerMtok: micros(0n),
    };
    expect(estimate(ask('hi'), free, SETTINGS).amountMicros).toBe(1n);
  });

  it('freezes the configured default when there is nothing to estimate from', () => {
    expect(estimate({ prompt: 'x' }, RATES, { ...SETTINGS, DEFAULT_FREEZE_CREDITS: '2.5' }).amountMicros).toBe(
      2_500_000n,
    );
    expect(estimate({ messages: [] }, RATES, SETTINGS).amountMicros).toBe(1_000_000n);
  });

  it('ignores maxima that are no positive integers', () => {
    expect(estimate({ ...ask('hi'), max_tokens: null, n: null }, RATES, SETTINGS).outputTokens).toBe(1024);
    expect(estimate({ ...ask('hi'), max_tokens: -5, n: 0 }, RATES, SETTINGS).outputTokens).toBe(1024);
  });
});

describe('nextExtension', () => {
  it('keeps at least half of the covered output ahead, up to the maximum, in whole steps', () => {
    const step = fc.integer({ min: 0, max: 5_000 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50_000 }), fc.array(step, { maxLength: 50 }), (outputTokensMax, pieces) => {
        let coveredTokens = Math.min(STREAM_FIRST_TOKENS, outputTokensMax);
        let deliveredTokens = 0;
        for (const piece of pieces) {
          deliveredTokens = Math.min(deliveredTokens + piece, outputTokensMax);
          const extra = nextExtension({ deliveredTokens, coveredTokens, outputTokensMax });
          expect(extra % STREAM_FIRST_TOKENS === 0 || coveredTokens + extra === outputTokensMax).toBe(true);
          coveredTokens += extra;
          expect(coveredTokens).toBeLessThanOrEqual(outputTokensMax);
          expect(coveredTokens === outputTokensMax || deliveredTokens * 2 < coveredTokens).toBe(true);
        }
      }),
    );
  });

  it('asks for nothing before half is used', () => {
    expect(nextExtension({ deliveredTokens: 511, coveredTokens: 1024, outputTokensMax: 9_000 })).toBe(0);
    expect(nextExtension({ deliveredTokens: 512, coveredTokens: 1024, outputTokensMax: 9_000 })).toBe(1024);
    expect(nextExtension({ deliveredTokens: 1024, coveredTokens: 1024, outputTokensMax: 1024 })).toBe(0);
  });
});
