import { readRetryAfterS, retryAfterSOf } from './retry-after.js';

const NOW_MS = Date.parse('2025-06-01T12:00:00Z');

describe('readRetryAfterS', () => {
  it.each([
    ['7', 7],
    [' 7 ', 7],
    ['0', 1],
    ['1.2', 2],
    ['Sun, 01 Jun 2025 12:00:30 GMT', 30],
    ['Sun, 01 Jun 2025 11:00:00 GMT', 1],
    ['999999999', 86_400],
    ['', null],
    ['soon', null],
    ['-5', null],
  ])('reads %j', (header, expected) => {
    expect(readRetryAfterS(header, NOW_MS)).toBe(expected);
  });
});

describe('retryAfterSOf', () => {
  const read = (
    headers: Record<string, string>,
    body: unknown = null,
    failure: 'rate_limited' | 'endpoint_fault' = 'rate_limited',
  ) => retryAfterSOf(failure, { header: (name) => headers[name] ?? '', body, nowMs: NOW_MS });
  const retryInfo = (retryDelay: string) => ({
    error: {
      code: 429,
      details: [{ reason: 'x' }, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }],
    },
  });

  it.each<[string, Record<string, string>, unknown, number | null]>([
    ['nothing', {}, null, null],
    ['milliseconds before seconds', { 'retry-after-ms': '250', 'retry-after': '1' }, null, 0.25],
    ['unreadable milliseconds', { 'retry-after-ms': 'soon', 'retry-after': '3' }, null, 3],
    ['Google’s details', {}, retryInfo('18.2s'), 19],
    ['Google’s details in a list', {}, [retryInfo('7s')], 7],
    ['a header before the details', { 'retry-after': '2' }, retryInfo('18s'), 2],
    ['a time in Google’s details that is none', {}, retryInfo('PT18S'), null],
    ['a duration', { 'x-ratelimit-reset-requests': '1m2.5s' }, null, 60],
    ['a short duration', { 'x-ratelimit-reset-requests': '120ms' }, null, 1],
    [
      'the budget that is used up',
      {
        'x-ratelimit-remaining-requests': '59',
        'x-ratelimit-reset-requests': '1s',
        'x-ratelimit-remaining-tokens': '0',
        'x-ratelimit-reset-tokens': '12s',
      },
      null,
      12,
    ],
    ['the first of several', { 'x-ratelimit-reset-requests': '9s', 'x-ratelimit-reset-tokens': '4s' }, null, 4],
    ['milliseconds since the epoch', { 'x-ratelimit-reset': String(NOW_MS + 20_000) }, null, 20],
    ['seconds since the epoch', { 'x-ratelimit-reset': String(NOW_MS / 1000 + 30) }, null, 30],
    ['a date', { 'anthropic-ratelimit-input-tokens-reset': '2025-06-01T12:00:15Z' }, null, 15],
    ['a reset that is far away', { 'x-ratelimit-reset': '86400' }, null, 60],
    ['a reset that is over', { 'x-ratelimit-reset': String(NOW_MS - 20_000) }, null, 1],
  ])('reads %s', (_what, headers, body, expected) => {
    expect(read(headers, body)).toBe(expected);
  });

  it('takes a reset for the end of a limit only', () => {
    expect(read({ 'x-ratelimit-reset': '20' }, null, 'endpoint_fault')).toBeNull();
    expect(read({ 'retry-after': '20' }, null, 'endpoint_fault')).toBe(20);
  });
});
