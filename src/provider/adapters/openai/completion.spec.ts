import type { UpstreamFailure } from '../../domain/failure.js';
import { readCompletion } from './completion.js';

describe('readCompletion', () => {
  it('takes a completion as it is', () => {
    const body = { id: 'x', choices: [{ message: { content: null, tool_calls: [] } }], error: null, extra: [1] };
    expect(readCompletion(Buffer.from(JSON.stringify(body)))).toEqual(body);
  });

  it.each([
    ['', 'broken_json'],
    ['{"choices":[{"message":{"content":"cut', 'broken_json'],
    ['<html>', 'broken_json'],
    ['[]', 'broken_json'],
    ['null', 'broken_json'],
    ['{"error":{"message":"overloaded"}}', 'error_in_answer'],
    ['{"error":"overloaded","choices":[{"message":{}}]}', 'error_in_answer'],
    ['{}', 'no_choices'],
    ['{"choices":[]}', 'no_choices'],
    ['{"choices":{}}', 'no_choices'],
    ['{"choices":[{}]}', 'no_message'],
    ['{"choices":[null]}', 'no_message'],
  ])('takes %j for a fault of the endpoint', (text, reason) => {
    const failure = { failure: 'endpoint_fault', reason };
    expect(() => readCompletion(Buffer.from(text))).toThrow(expect.objectContaining(failure) as UpstreamFailure);
  });
});
