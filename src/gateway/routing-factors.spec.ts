import { ROUTING_FACTORS } from '../policy/index.js';
import { FACTORS } from '../router/index.js';

describe('the weights of a policy', () => {
  it('may be set for every factor that the router weighs, and for nothing else', () => {
    expect([...ROUTING_FACTORS].sort()).toEqual([...FACTORS].sort());
  });
});
