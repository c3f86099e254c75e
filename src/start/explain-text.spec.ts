import type { Explanation } from '../billing/index.js';
import { explanationText, type Paint } from './explain-text.js';

const plain: Paint = (_style, text) => text;
const explanation: Explanation = {
  request_id: 'gwr_1',
  client_request_id: 'order-7',
  matches: 2,
  status: 403,
  verdict: 'The request came from elsewhere.',
  next_step: 'Add the address.',
  stages: [
    { stage: 'receive', status: 'passed', ms: 0.1, key_source: 'bearer' },
    { stage: 'policy', status: 'refused', ms: 1.5, client_ip: '203.0.113.7', policy_tiers: ['economy', 'premium'] },
    {
      stage: 'provider',
      status: 'not_reached',
      ms: null,
      attempts: [{ provider: 'a' }, { provider: 'b', status: null }],
    },
  ],
};

describe('explanationText', () => {
  const lines = explanationText(explanation, plain).split('\n');

  it('begins with the ids and the status, and ends with the verdict and the next step', () => {
    expect(lines[0]).toBe('gwr_1  (order-7, the newest of 2 requests with this id)  HTTP 403');
    expect(lines.slice(-3)).toEqual(['Verdict    The request came from elsewhere.', 'Next step  Add the address.', '']);
  });

  it('gives every stage a line with its sign, and every fact one below it', () => {
    expect(lines).toContain('✘ policy        refused     1.5 ms');
    expect(lines).toContain('    client_ip              203.0.113.7');
    expect(lines).toContain('    policy_tiers           economy, premium');
    expect(lines).toContain('· provider      not_reached');
  });

  it('gives every attempt a line', () => {
    expect(lines).toContain('    attempts               provider=a');
    expect(lines).toContain('                           provider=b status=–');
  });

  it('lets no text that a caller chose move the cursor', () => {
    const odd = {
      ...explanation,
      stages: [{ stage: 'receive', status: 'passed', ms: 1, model: 'a\u001b[2Jb\u202e' } as const],
    };
    expect(explanationText(odd, plain)).toContain('a?[2Jb?');
  });

  it('paints the sign of a stage by its status', () => {
    const painted = explanationText(explanation, (style, text) => `<${style}>${text}`);
    expect(painted).toContain('<green>✔ receive');
    expect(painted).toContain('<red>✘ policy');
  });
});
