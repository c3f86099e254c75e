import { nextDay, nextWeek } from './quota-window.js';

const at = (text: string): number => Date.parse(text);

describe('quota windows', () => {
  it.each([
    ['2026-03-01T00:00:00Z', '2026-03-02T00:00:00.000Z'],
    ['2026-02-28T23:59:59.999Z', '2026-03-01T00:00:00.000Z'],
  ])('the daily quota of %s starts again at %s', (now, expected) => {
    expect(nextDay(at(now)).toISOString()).toBe(expected);
  });

  it.each([
    ['2026-03-01T23:59:59Z', '2026-03-02T00:00:00.000Z'],
    ['2026-03-02T00:00:00Z', '2026-03-09T00:00:00.000Z'],
    ['2026-03-08T12:00:00Z', '2026-03-09T00:00:00.000Z'],
    ['2026-12-31T12:00:00Z', '2027-01-04T00:00:00.000Z'],
    ['1970-01-01T00:00:00Z', '1970-01-05T00:00:00.000Z'],
  ])('the weekly quota of %s starts again on Monday, %s', (now, expected) => {
    expect(nextWeek(at(now)).toISOString()).toBe(expected);
  });
});
