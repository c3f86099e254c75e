import { hiddenTokensOf, reasoningTokensOf } from './hidden-output.js';

const usageOf = (outputTokens: number) => ({
  inputTokens: 10,
  outputTokens,
  cachedInputTokens: 0,
  cachedOutputTokens: 0,
});
const shown = (bytes: number, thoughtBytes = 0, dataTokens = 0) => ({ bytes, thoughtBytes, dataTokens });

describe('output that an answer has not shown', () => {
  it.each([
    ['all thoughts, none of which were shown', 8_020, 8_000, shown(80), 8_000],
    ['no more than the output, whatever is reported', 100, 8_000, shown(0), 100],
    ['nothing when thoughts were shown', 520, 500, shown(2_100, 2_000), 0],
    ['thoughts without their summary', 8_000, 7_000, shown(4_000, 3_000), 6_000],
    ['nothing of an ordinary answer', 1_000, 0, shown(4_500), 0],
    ['nothing of an answer of a token a character', 1_000, 0, shown(3_000), 0],
    ['what a vendor without a word for thoughts clearly counts beyond the text', 8_000, 0, shown(300), 7_900],
    ['nothing of pictures, whose count nobody can guess', 6_000, 0, shown(0, 0, 1_290), 0],
  ])('is %s', (_what, output, reasoning, seen, hidden) => {
    expect(hiddenTokensOf(usageOf(output), reasoning, seen)).toBe(hidden);
  });

  it.each([
    [{ completion_tokens_details: { reasoning_tokens: 7 } }, 7],
    [{ output_tokens_details: { reasoning_tokens: 7 } }, 7],
    [{ thoughtsTokenCount: 7 }, 7],
    [{ reasoning_tokens: 7 }, 7],
    [{ completion_tokens_details: { reasoning_tokens: -1 } }, 0],
    [{ completion_tokens_details: null }, 0],
    [null, 0],
  ])('reads %j as %i tokens of thoughts', (raw, tokens) => {
    expect(reasoningTokensOf(raw)).toBe(tokens);
  });
});
