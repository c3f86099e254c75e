import fc from 'fast-check';
import { endpoint } from '../../../test/support/router-builders.js';
import { orderEndpoints, poolEndpoints } from './endpoint-order.js';
import { hashText } from './hash.js';

const always = (): boolean => true;
const ids = (endpoints: readonly { id: string }[]): string[] => endpoints.map(({ id }) => id);

describe('the order of endpoints', () => {
  it('is by priority, lowest first', () => {
    const pooled = poolEndpoints([
      endpoint({ id: 'c', priority: 7 }),
      endpoint({ id: 'a', priority: 0 }),
      endpoint({ id: 'b', priority: 3 }),
    ]);
    expect(ids(orderEndpoints(pooled, 1, always))).toEqual(['a', 'b', 'c']);
  });

  it('leaves out disabled endpoints and those whose breaker is open', () => {
    const pooled = poolEndpoints([endpoint({ id: 'a' }), endpoint({ id: 'b', enabled: false }), endpoint({ id: 'c' })]);
    expect(ids(orderEndpoints(pooled, 1, (id) => id !== 'a'))).toEqual(['c']);
    expect(orderEndpoints(pooled, 1, () => false)).toEqual([]);
  });

  it('is the same for the same session, whatever the order of loading', () => {
    const endpoints = ['a', 'b', 'c', 'd'].map((id) => endpoint({ id }));
    fc.assert(
      fc.property(fc.string(), fc.shuffledSubarray(endpoints, { minLength: 4 }), (session, shuffled) => {
        const hash = hashText(session);
        const order = ids(orderEndpoints(poolEndpoints(shuffled), hash, always));
        expect(order).toEqual(ids(orderEndpoints(poolEndpoints(endpoints), hash, always)));
      }),
    );
  });

  it('keeps the order of the others when one becomes unhealthy', () => {
    const pooled = poolEndpoints(['a', 'b', 'c', 'd'].map((id) => endpoint({ id })));
    for (let session = 0; session < 200; session += 1) {
      const all = ids(orderEndpoints(pooled, session, always));
      const without = ids(orderEndpoints(pooled, session, (id) => id !== all[0]));
      expect(without).toEqual(all.slice(1));
    }
  });

  it('draws the first endpoint of a priority by weight', () => {
    const pooled = poolEndpoints([endpoint({ id: 'heavy', weight: 3 }), endpoint({ id: 'light', weight: 1 })]);
    let heavy = 0;
    for (let session = 0; session < 4_000; session += 1) {
      if (orderEndpoints(pooled, hashText(`user-${session}`), always)[0]?.id === 'heavy') heavy += 1;
    }
    expect(Math.abs(heavy - 3_000)).toBeLessThan(150);
  });

  it('tries weight 0 only after the others of its priority', () => {
    const pooled = poolEndpoints([
      endpoint({ id: 'drained', weight: 0 }),
      endpoint({ id: 'normal' }),
      endpoint({ id: 'backup', priority: 2 }),
    ]);
    for (let session = 0; session < 100; session += 1) {
      expect(ids(orderEndpoints(pooled, hashText(`user-${session}`), always))).toEqual(['normal', 'drained', 'backup']);
    }
  });
});
