import { InFlight } from './in-flight.js';

describe('things that are in flight', () => {
  const [a, b, c] = [{ name: 'a' }, { name: 'b' }, { name: 'c' }];

  it('are those that entered and have not left', () => {
    const flying = new InFlight<{ name: string }>();
    const places = [a, b].map((item) => flying.enter(item));
    flying.leave(places[0] ?? -1);
    flying.enter(c);
    expect(new Set(flying)).toEqual(new Set([b, c]));
    expect(flying.size).toBe(2);
  });

  it('need no more room than the most that were in flight at once', () => {
    const flying = new InFlight<{ name: string }>();
    const places = Array.from({ length: 1_000 }, () => {
      const place = flying.enter(a);
      flying.leave(place);
      return place;
    });
    expect(new Set(places).size).toBe(1);
    expect([...flying]).toEqual([]);
  });

  it('leave once', () => {
    const flying = new InFlight<{ name: string }>();
    const place = flying.enter(a);
    flying.leave(place);
    expect(() => flying.leave(place)).toThrow(RangeError);
    expect(() => flying.leave(99)).toThrow(RangeError);
    expect(flying.size).toBe(0);
  });
});
