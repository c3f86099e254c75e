import { completionOutput, isSilent } from './completion-text.js';

const outputOf = (message: Record<string, unknown>, finish = 'stop') =>
  completionOutput({ choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }] });

describe('output of every channel', () => {
  it.each([
    ['content', { content: 'a' }, 'a', 0],
    ['a refusal', { content: null, refusal: 'no' }, 'no', 0],
    ['thoughts, once under two names', { reasoning: 'hm', reasoning_content: 'hm' }, 'hm', 0],
    ['thoughts in a list', { reasoning_details: [{ type: 'reasoning.text', text: 'hm' }] }, 'hm', 0],
    ['a list that repeats thoughts', { reasoning: 'hm', reasoning_details: [{ text: 'hm' }] }, 'hm', 0],
    ['sealed thoughts', { reasoning_details: [{ data: 'x'.repeat(600) }] }, '', 100],
    ['a tool call', { tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }, 'f{}', 0],
    ['a custom tool call', { tool_calls: [{ custom: { name: 'f', input: 'run' } }] }, 'frun', 0],
    ['a function call of old', { function_call: { name: 'f', arguments: '{}' } }, 'f{}', 0],
    ['pictures', { images: [{ image_url: { url: 'x' } }, { image_url: { url: 'y' } }] }, '', 2_580],
    [
      'a picture in content',
      { content: [{ type: 'image_url', image_url: { url: `data:${'x'.repeat(9_000)}` } }] },
      '',
      1_290,
    ],
    ['speech', { audio: { data: 'x'.repeat(800), transcript: 'hi' } }, 'hi', 2],
    ['an unknown field', { poem: { lines: ['a', 'b'] } }, 'a b', 0],
    [
      'descriptions, which are not output',
      { content: 'a', annotations: [{ url: 'b' }], extra_content: { c: 'd' } },
      'a',
      0,
    ],
  ])('counts %s', (_what, message, text, dataTokens) => {
    expect(outputOf(message)).toEqual({ text, dataTokens });
  });

  it('counts a field of a million values', () => {
    const poem = Array.from({ length: 1_000_000 }, () => 'a');
    expect(outputOf({ poem }).text).toHaveLength(1_999_999);
  });

  it('is silent without any', () => {
    expect(isSilent(outputOf({ content: '', tool_calls: [], audio: null }))).toBe(true);
  });
});
