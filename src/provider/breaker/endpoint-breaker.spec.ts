import { EndpointBreaker } from './endpoint-breaker.js';

describe('EndpointBreaker', () => {
  const make = () => new EndpointBreaker({ faultsMax: 3, openMs: 1000 });
  const opened = () => {
    const breaker = make();
    for (let fault = 0; fault < 3; fault += 1) breaker.fault(0);
    return breaker;
  };

  it('opens after so many faults in a row', () => {
    const breaker = make();
    expect([breaker.fault(0), breaker.fault(0)]).toEqual([false, false]);
    expect(breaker.isHealthy(0)).toBe(true);
    expect(breaker.fault(0)).toBe(true);
    expect([breaker.isHealthy(999), breaker.tryPass(999), breaker.waitMs(400)]).toEqual([false, false, 600]);
  });

  it('a success in between starts the row anew', () => {
    const breaker = make();
    breaker.fault(0);
    breaker.fault(0);
    breaker.succeed();
    breaker.fault(0);
    breaker.fault(0);
    expect(breaker.isHealthy(0)).toBe(true);
  });

  it('lets exactly one probe pass when its time is over', () => {
    const breaker = opened();
    expect([breaker.tryPass(1000), breaker.tryPass(1000), breaker.isHealthy(1000)]).toEqual([true, false, false]);
  });

  it('closes when the probe succeeds', () => {
    const breaker = opened();
    breaker.tryPass(1000);
    breaker.succeed();
    expect([breaker.isHealthy(1000), breaker.tryPass(1000), breaker.tryPass(1000)]).toEqual([true, true, true]);
  });

  it('opens again for as long when the probe fails', () => {
    const breaker = opened();
    breaker.tryPass(1000);
    expect(breaker.fault(1000)).toBe(true);
    expect([breaker.isHealthy(1999), breaker.isHealthy(2000)]).toEqual([false, true]);
  });

  it('lets the next probe pass when one ended without a verdict', () => {
    const breaker = opened();
    breaker.tryPass(1000);
    breaker.release();
    expect(breaker.tryPass(1000)).toBe(true);
  });

  it('a probe that begins to answer lets others pass, but the next fault opens it again', () => {
    const breaker = opened();
    breaker.tryPass(1000);
    breaker.begin();
    expect(breaker.tryPass(1000)).toBe(true);
    expect(breaker.fault(1000)).toBe(true);
  });

  it('opens for an endpoint that breaks every stream after its first content', () => {
    const breaker = make();
    for (let call = 0; call < 3; call += 1) {
      breaker.tryPass(0);
      breaker.begin();
      breaker.fault(0);
    }
    expect(breaker.isHealthy(0)).toBe(false);
  });
});
