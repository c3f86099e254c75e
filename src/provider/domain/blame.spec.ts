import { readFileSync } from 'node:fs';
import { promised } from '../../../test/support/poll.js';
import { blameOf, saysIncapable } from './blame.js';
import type { FailureClass } from './call.js';
import { readCallerFault } from './caller-fault.js';
import { failureOfStatus } from './failure.js';

/** A refusal as a vendor was seen to send it, one a line, and whose fault it is. */
interface KnownRefusal {
  vendor: string;
  status: number;
  blame: FailureClass;
  body: unknown;
}

const KNOWN = readFileSync(new URL('./blame.refusals.jsonl', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as KnownRefusal);

describe('whose fault a refusal is', () => {
  it.each(KNOWN)('$vendor ($status)', ({ status, body, blame }) => {
    expect(blameOf(status, body)?.failure ?? failureOfStatus(status)).toBe(blame);
  });

  it.each([
    [400, { error: { code: 'invalid_api_key', message: 'no' } }, 'key'],
    [400, { error: { code: 'Arrearage', message: 'no' } }, 'money'],
    [400, { error: { code: 'model_not_found', message: 'no' } }, 'model'],
    [400, { error: { type: 'permission_error', message: 'no' } }, 'account'],
    [400, { error: { code: 'Throttling.RateQuota', message: 'no' } }, 'limit'],
  ])('%i %j speaks of the %s', (status, body, subject) => {
    expect(blameOf(status, body)?.subject).toBe(subject);
  });

  it.each([
    [503, { error: { message: 'The model is currently overloaded and not available.' } }],
    [500, { error: { message: 'The server had an error while processing your request.', type: 'server_error' } }],
    [529, { error: { type: 'overloaded_error', message: 'Overloaded' } }],
  ])('leaves a fault of the server alone: %i %j', (status, body) => {
    expect(blameOf(status, body)).toBeNull();
  });

  it('takes a bounded time for hostile words', () => {
    const startedMs = performance.now();
    for (const piece of ['model ', "'", 'api key ', '{"error":', '"\\']) {
      blameOf(400, { error: { message: piece.repeat(50_000) } });
    }
    let nested: unknown = 'x';
    for (let depth = 0; depth < 5_000; depth += 1) nested = { error: nested };
    blameOf(400, nested);
    expect(performance.now() - startedMs).toBeLessThan(promised(1_000));
  });
});

describe('what another vendor could do', () => {
  it.each([
    ["Unsupported value: 'temperature' does not support 0.2 with this model.", 'unsupported_value', true],
    ['registry.example/gemma3:4b does not support tools', null, true],
    ['invalid temperature: only 1 is allowed for this model', null, true],
    ["Invalid value: 'not supported'. Expected a number.", 'invalid_value', false],
    ['Bad value', 'invalid_value', false],
  ])('%s', (message, code, expected) => {
    expect(saysIncapable(code, readCallerFault(JSON.stringify({ error: message })).message)).toBe(expected);
  });
});
