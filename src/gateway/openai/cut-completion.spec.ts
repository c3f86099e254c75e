import type { DeliveredOutput } from '../../provider/index.js';
import { cutCompletion } from './cut-completion.js';

/** A token a character. */
const tokensOf = ({ text, dataTokens }: DeliveredOutput): number => text.length + dataTokens;

const choiceOf = (index: number, content: string, finish = 'stop', more: object = {}): object => ({
  index,
  message: { role: 'assistant', content, ...more },
  finish_reason: finish,
});

describe('a completion that is cut', () => {
  it('keeps choices that fit, and shares what they leave among the others', () => {
    const short = choiceOf(1, 'short', 'stop', { reasoning_content: 'ok' });
    const body = { id: 'a', choices: [choiceOf(0, 'a'.repeat(900)), short, choiceOf(2, 'b'.repeat(900))] };
    const cut = cutCompletion(body, 109, tokensOf);
    const choices = cut.body['choices'] as { message: { content: string }; finish_reason: string }[];
    expect(choices.map(({ message }) => message.content.length)).toEqual([50, 5, 50]);
    expect(choices.map((choice) => choice.finish_reason)).toEqual(['length', 'stop', 'length']);
    expect(choices[1]).toBe(short);
    expect(tokensOf(cut.delivered)).toBe(107);
  });

  it('leaves nothing of half a tool call', () => {
    const calls = { tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: 'x'.repeat(90) } }] };
    const cut = cutCompletion({ choices: [choiceOf(0, 'hello', 'tool_calls', calls)] }, 20, tokensOf);
    expect(cut.body['choices']).toMatchObject([{ message: { content: 'hello' }, finish_reason: 'length' }]);
    expect(JSON.stringify(cut.body)).not.toContain('tool_calls');
    expect(cut.delivered).toEqual({ text: 'hello', dataTokens: 0 });
  });

  it('does not cut a character in half', () => {
    const cut = cutCompletion({ choices: [choiceOf(0, '🦊🦊')] }, 3, tokensOf);
    expect(cut.delivered.text).toBe('🦊');
  });

  it('survives a body without choices, and no tokens at all', () => {
    expect(cutCompletion({}, 5, tokensOf).delivered).toEqual({ text: '', dataTokens: 0 });
    const cut = cutCompletion({ choices: [choiceOf(0, 'abc'), choiceOf(1, '')] }, 0, tokensOf);
    expect(cut.delivered.text).toBe('');
    expect(cut.body['choices']).toMatchObject([{ finish_reason: 'length' }, { finish_reason: 'stop' }]);
  });
});
