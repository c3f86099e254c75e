import { readRetryAfterS } from './retry-after.js';

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
