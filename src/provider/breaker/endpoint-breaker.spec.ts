import type { CallMark } from './call-mark.js';
import { EndpointBreaker } from './endpoint-breaker.js';

const call = (caller = 'a', body = 'x'): CallMark => ({ caller, body, isStream: false });
const A = call();
const B = call('b');

describe('EndpointBreaker', () => {
  const make = () => new EndpointBreaker({ faultsMax: 3, openMs: 1000 });
  const opened = () => {
    const breaker = make();
    for (let fault = 0; fault < 3; fault += 1) breaker.fault(0, A, false);
    return breaker;
  };

  it('opens after so many faults in a row', () => {
    const breaker = make();
    expect([breaker.fault(0, A, false), breaker.fault(0, A, false)]).toEqual([false, false]);
    expect(breaker.isHealthy(0, 'a')).toBe(true);
    expect(breaker.fault(0, A, false)).toBe(true);
    expect([breaker.isHealthy(999, 'a'), breaker.tryPass(999, A), breaker.waitMs(400)]).toEqual([false, false, 600]);
  });

  it('does not hash the body of a call that says nothing about the endpoint', () => {
    const mark: CallMark = {
      caller: 'a',
      isStream: false,
      get body(): string {
        throw new Error('hashed');
      },
    };
    const breaker = opened();
    breaker.release(mark);
    expect(breaker.fault(0, mark, true)).toBe(false);
  });

  it('a success in between starts the row anew', () => {
    const breaker = make();
    breaker.fault(0, A, false);
    breaker.fault(0, A, false);
    breaker.succeed();
    breaker.fault(0, A, false);
    breaker.fault(0, A, false);
    expect(breaker.isHealthy(0, 'a')).toBe(true);
  });

  it('lets exactly one probe pass when its time is over', () => {
    const breaker = opened();
    expect([breaker.tryPass(1000, A), breaker.tryPass(1000, A), breaker.isHealthy(1000, 'a')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('closes when the probe succeeds', () => {
    const breaker = opened();
    breaker.tryPass(1000, A);
    breaker.succeed();
    expect([breaker.isHealthy(1000, 'a'), breaker.tryPass(1000, A), breaker.tryPass(1000, A)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('opens again for as long when the probe fails', () => {
    const breaker = opened();
    breaker.tryPass(1000, A);
    expect(breaker.fault(1000, A, false)).toBe(true);
    expect([breaker.isHealthy(1999, 'a'), breaker.isHealthy(2000, 'a')]).toEqual([false, true]);
  });

  it('lets the next probe pass when one ended without a verdict', () => {
    const breaker = opened();
    breaker.tryPass(1000, A);
    breaker.release(A);
    expect(breaker.tryPass(1000, A)).toBe(true);
  });

  it('a probe that begins to answer lets others pass, but the next fault opens it again', () => {
    const breaker = opened();
    breaker.tryPass(1000, A);
    breaker.begin();
    expect(breaker.tryPass(1000, A)).toBe(true);
    expect(breaker.fault(1000, A, false)).toBe(true);
  });

  it('opens for an endpoint that breaks every stream after its first content', () => {
    const breaker = make();
    for (let call = 0; call < 3; call += 1) {
      breaker.tryPass(0, A);
      breaker.begin();
      breaker.fault(0, A, false);
    }
    expect(breaker.isHealthy(0, 'a')).toBe(false);
  });

  describe('faults that a request may have provoked', () => {
    const provoke = (breaker: EndpointBreaker, caller: string, bodies: readonly string[], nowMs = 0): void => {
      for (const body of bodies) breaker.fault(nowMs, call(caller, body), true);
    };
    const whoPasses = (breaker: EndpointBreaker, nowMs = 0): string[] =>
      ['a', 'b', 'c'].filter((caller) => breaker.isHealthy(nowMs, caller));

    it('of one body open nothing', () => {
      const breaker = make();
      provoke(breaker, 'a', ['x', 'x', 'x', 'x', 'x', 'x']);
      expect(whoPasses(breaker)).toEqual(['a', 'b', 'c']);
    });

    it('of several bodies of one caller keep that caller away alone', () => {
      const breaker = make();
      provoke(breaker, 'a', ['x', 'y', 'z']);
      expect([whoPasses(breaker), breaker.caller, breaker.state(0)]).toEqual([['b', 'c'], 'a', 'open']);
      expect([breaker.tryPass(0, B), breaker.tryPass(0, B)]).toEqual([true, true]);
    });

    it('of several callers keep all away', () => {
      const breaker = make();
      provoke(breaker, 'a', ['x', 'y']);
      provoke(breaker, 'b', ['z']);
      expect([whoPasses(breaker), breaker.caller]).toEqual([[], null]);
    });

    it('of one caller that is kept away become everybody’s with those of another one', () => {
      const breaker = make();
      provoke(breaker, 'a', ['x', 'y', 'z']);
      provoke(breaker, 'b', ['x']);
      expect(whoPasses(breaker)).toEqual([]);
    });

    it('a good answer of another caller closes it at once', () => {
      const breaker = make();
      provoke(breaker, 'a', ['x', 'y', 'z']);
      expect([breaker.begin(), whoPasses(breaker)]).toEqual([true, ['a', 'b', 'c']]);
    });

    it('a probe of one caller that fails leaves the next probe to the others at once', () => {
      const breaker = opened();
      breaker.tryPass(1000, A);
      provoke(breaker, 'a', ['x'], 1000);
      expect(whoPasses(breaker, 1000)).toEqual(['b', 'c']);
      expect([breaker.tryPass(1000, B), whoPasses(breaker, 1000)]).toEqual([true, []]);
      expect([breaker.begin(), whoPasses(breaker, 1000)]).toEqual([true, ['a', 'b', 'c']]);
    });

    it('failed probes of two callers open it for all again', () => {
      const breaker = opened();
      breaker.tryPass(1000, A);
      provoke(breaker, 'a', ['x'], 1000);
      breaker.tryPass(1000, B);
      provoke(breaker, 'b', ['x'], 1000);
      expect([whoPasses(breaker, 1999), whoPasses(breaker, 2000)]).toEqual([[], ['a', 'b', 'c']]);
    });

    it('remember a bounded number of callers and bodies', () => {
      const breaker = new EndpointBreaker({ faultsMax: 1_000, openMs: 1_000 });
      for (let body = 0; body < 900; body += 1) provoke(breaker, 'a', ['x', 'y', String(body % 3)]);
      expect(whoPasses(breaker)).toEqual(['b', 'c']);
    });
  });

  it('what another process learned of one caller and this one of another is no accident', () => {
    const breaker = make();
    breaker.learnOpen(0, 1000, 'a');
    expect([breaker.isHealthy(0, 'a'), breaker.isHealthy(0, 'b')]).toEqual([false, true]);
    breaker.learnOpen(0, 1000, 'b');
    expect([breaker.isHealthy(0, 'c'), breaker.caller]).toEqual([false, null]);
  });

  it('only the probe gives its place back, and not for ever', () => {
    const breaker = opened();
    breaker.tryPass(1000, A);
    breaker.release(B);
    expect([breaker.isHealthy(1000, 'b'), breaker.isHealthy(6_000, 'b')]).toEqual([false, true]);
  });
});
