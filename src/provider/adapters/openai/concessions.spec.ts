import type { CallerFault } from '../../domain/failure.js';
import { conceded, Concessions, concessionsFor } from './concessions.js';

const fault = (message: string, code: string | null = null, param: string | null = null): CallerFault => ({
  message,
  code,
  param,
});

const BODY = {
  messages: [
    { role: 'developer', content: 'd' },
    { role: 'assistant', content: 'a', reasoning_content: 'r' },
  ],
  max_tokens: 5,
};

describe('concessionsFor', () => {
  it.each([
    [
      "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
      ['max_completion_tokens'],
    ],
    ['Unexpected role developer', ['system_role']],
    [
      "developer is not one of ['system', 'assistant', 'user', 'tool', 'function'] - 'messages.['0].role'",
      ['system_role'],
    ],
    [
      "invalid parameter 'messages[0].role': invalid role, must be one of: system, user, assistant, tool",
      ['system_role'],
    ],
    ["messages.0: Input tag 'developer' found using 'role' does not match any of the expected tags", ['system_role']],
    ['messages[0].role: unknown variant `developer`, expected one of `system`, `user`', ['system_role']],
    ['Only user and assistant roles are supported!', ['system_role']],
    ['messages.0: value is not a valid enumeration member', ['system_role']],
    ['messages.1: value is not a valid enumeration member', []],
    ['messages.1.assistant.reasoning_content: Extra inputs are not permitted', ['no_thoughts']],
    // The value is wrong, not the field; and what the body does not have cannot be left out.
    ['max_tokens is too large: 5. This model supports at most 4 completion tokens.', []],
    ['max_completion_tokens: Extra inputs are not permitted', []],
    ['Unrecognized request argument: stream_options', []],
    ['top_k: Extra inputs are not permitted', []],
  ])('%s', (message, expected) => {
    expect(concessionsFor(fault(message), BODY)).toEqual(expected);
  });

  it('concedes a role once: a body without it has none to give', () => {
    const body = conceded(BODY, new Set(['system_role']));
    expect(concessionsFor(fault("Invalid value: 'x'", null, 'messages[0].role'), body)).toEqual([]);
  });

  it('believes a code without words', () => {
    expect(concessionsFor(fault('no', 'unsupported_parameter', 'max_tokens'), BODY)).toEqual(['max_completion_tokens']);
  });
});

describe('conceded', () => {
  it('renames, leaves out, and does not touch the body of the caller', () => {
    const before = structuredClone(BODY);
    expect(conceded(BODY, new Set(['max_completion_tokens', 'system_role', 'no_thoughts']))).toEqual({
      messages: [
        { role: 'system', content: 'd' },
        { role: 'assistant', content: 'a' },
      ],
      max_completion_tokens: 5,
    });
    expect(BODY).toEqual(before);
  });

  it('keeps the maximum that was asked for under the name that is taken', () => {
    const both = { max_tokens: 7, max_completion_tokens: 9 };
    expect(conceded(both, new Set(['max_tokens']))).toEqual({ max_tokens: 7 });
    expect(conceded(both, new Set(['max_completion_tokens']))).toEqual({ max_completion_tokens: 9 });
  });
});

describe('Concessions', () => {
  it('remembers per upstream model, of a bounded number of them', () => {
    const concessions = new Concessions();
    concessions.note('https://a m', ['max_tokens']);
    expect(concessions.of('https://a m')).toEqual(['max_tokens']);
    expect(concessions.of('https://a other')).toEqual([]);
    for (let at = 0; at < 5_000; at += 1) concessions.note(`https://a ${String(at)}`, ['max_tokens']);
    expect(concessions.of('https://a m')).toEqual([]);
    expect(concessions.of('https://a 4999')).toEqual(['max_tokens']);
  });
});
