import { Clock } from '../platform/clock/index.js';
import { AppError } from '../platform/errors/index.js';
import { FailedLogins, tooManyFailures } from './failed-logins.js';

class SetClock extends Clock {
  ms = 1_000_000;
  override nowMs(): number {
    return this.ms;
  }
}

function loginsOf(freeAMinute: number): { logins: FailedLogins; clock: SetClock } {
  const clock = new SetClock();
  return { logins: new FailedLogins(clock, { AUTH_FAILURES_PER_MINUTE: freeAMinute }), clock };
}

function delaysOf(logins: FailedLogins, address: string, count: number): number[] {
  return Array.from({ length: count }, () => logins.count(address));
}

describe('refused credentials', () => {
  it('are answered at once up to the free number a minute, then later and later, up to one second', () => {
    const { logins } = loginsOf(60);
    expect(new Set(delaysOf(logins, 'a', 60))).toEqual(new Set([0]));
    const delays = delaysOf(logins, 'a', 200);
    expect(delays[0]).toBe(100);
    expect([...delays].sort((left, right) => left - right)).toEqual(delays);
    expect(delays.at(-1)).toBe(1_000);
  });

  it('count for their own address only, and for one minute', () => {
    const { logins, clock } = loginsOf(3);
    delaysOf(logins, 'a', 10);
    expect(logins.count('b')).toBe(0);
    expect(logins.count('a')).toBeGreaterThan(0);
    clock.ms += 60_000;
    expect(logins.count('a')).toBe(0);
  });

  it('of an IPv6 network count together, and those of a mapped IPv4 address as of that address', () => {
    const { logins } = loginsOf(2);
    logins.count('2001:db8:0:1::1');
    logins.count('2001:db8:0:1:ffff::2');
    expect(logins.count('2001:db8:0:2::1')).toBe(0);
    expect(logins.count('2001:db8:0:1::3')).toBeGreaterThan(0);
    logins.count('192.0.2.1');
    logins.count('::ffff:192.0.2.1');
    expect(logins.count('192.0.2.2')).toBe(0);
    expect(logins.count('192.0.2.1')).toBeGreaterThan(0);
  });

  it('are never slowed when that is turned off', () => {
    const { logins } = loginsOf(0);
    expect(new Set(delaysOf(logins, 'a', 500))).toEqual(new Set([0]));
  });

  it('are held back eight at a time for one address, and all let go at the end of the process', async () => {
    const { logins } = loginsOf(1);
    delaysOf(logins, 'a', 300);
    const held = Array.from({ length: 8 }, () => logins.hold('a'));
    expect(logins.isCrowded('a')).toBe(true);
    expect(await logins.hold('a')).toBe(false);
    expect(logins.isCrowded('b')).toBe(false);
    expect(await logins.hold('b')).toBe(true);
    logins.onApplicationShutdown();
    expect(await Promise.all(held)).toEqual(Array<boolean>(8).fill(true));
    expect(logins.isCrowded('a')).toBe(false);
  });

  it('of a hundred thousand addresses are not all remembered', () => {
    const { logins } = loginsOf(1);
    delaysOf(logins, 'first', 5);
    for (let at = 0; at < 100_000; at += 1) logins.count(`address ${at.toString()}`);
    expect(logins.count('first')).toBe(0);
  });

  it('are told to other processes once each, the busiest address first, and count on with what those have counted', () => {
    const { logins } = loginsOf(10);
    delaysOf(logins, 'a', 3);
    delaysOf(logins, 'b', 5);
    expect(logins.takeUnshared(1)).toEqual([{ address: 'b', count: 5 }]);
    expect(logins.takeUnshared(9)).toEqual([{ address: 'a', count: 3 }]);
    expect(logins.takeUnshared(9)).toEqual([]);
    delaysOf(logins, 'a', 1);
    logins.learn([{ address: 'a', count: 9, ageMs: 1_000 }]);
    expect(logins.count('a')).toBeGreaterThan(0);
    expect(logins.count('b')).toBe(0);
  });

  it('that could not be told are told again, and the window is that of all processes', () => {
    const { logins, clock } = loginsOf(10);
    delaysOf(logins, 'a', 3);
    logins.putBack(logins.takeUnshared(9));
    expect(logins.takeUnshared(9)).toEqual([{ address: 'a', count: 3 }]);
    logins.learn([{ address: 'a', count: 50, ageMs: 59_000 }]);
    expect(logins.count('a')).toBeGreaterThan(0);
    clock.ms += 1_000;
    expect(logins.count('a')).toBe(0);
    expect(logins.takeUnshared(9)).toEqual([{ address: 'a', count: 1 }]);
  });

  it('of addresses that are forgotten are not told', () => {
    const { logins } = loginsOf(1);
    for (let at = 0; at < 30_000; at += 1) logins.count(`address ${at.toString()}`);
    const told = [];
    for (let taken = logins.takeUnshared(500); taken.length > 0; taken = logins.takeUnshared(500)) told.push(...taken);
    expect(told).toHaveLength(10_000);
    expect(told.every(({ count }) => count === 1)).toBe(true);
  });

  it('beyond what is held back are told when to come back', () => {
    expect(tooManyFailures()).toBeInstanceOf(AppError);
    expect(tooManyFailures().retryAfterS).toBeGreaterThan(0);
  });
});
