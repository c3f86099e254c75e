import type { UsageView } from '../support/admin.js';
import { chat, chatStream, errorOf, prompt, requestIdOf, type StreamedAnswer } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { textOf } from '../support/upstream/answer.js';
import type { Call } from '../support/upstream/calls.js';
import { unique, World, type TestKey } from '../support/world.js';

/**
 * The sixteen faults of the public catalogue Failover Bench (methodology 0.1), each with what a good gateway does about
 * it at full marks, the advisory ones as well, and with the money: a failed attempt costs nothing, a rescue costs the
 * rescued answer once. Every answer is the same sixty words, so a cut one cannot pass for a whole one.
 */
let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create({ UPSTREAM_BREAKER_FAULTS_MAX: '3', UPSTREAM_BREAKER_OPEN_MS: '1500' });
  key = await world.key();
});
afterAll(async () => {
  const verified = await world.admin.get<{ ok: boolean; differences: unknown[] }>('/ledger/verify');
  await world.destroy();
  expect(verified).toMatchObject({ ok: true, differences: [] });
});

const WORDS = 60;
const ANSWER = textOf(WORDS);
const HEALTHY = `ok-n${String(WORDS)}-p30`;
/** 30 prompt tokens at 200 and 60 output tokens at 900 credits a million. */
const PRICE_OF_ONE_ANSWER = '0.060000';

type Fields = Record<string, unknown>;

interface Pool {
  id: string;
  model: string;
  /** Names at the upstream, by which its calls are told apart. */
  names: string[];
  providers: string[];
}

/** A model with an endpoint for each entry, in this order: the behaviours one call after the other, and its fields. */
async function pool(...endpoints: readonly (readonly [behaviours: string[], fields?: Fields])[]): Promise<Pool> {
  const { id, key: model } = await world.model({ behaviours: [] });
  const names: string[] = [];
  const providers: string[] = [];
  for (const [at, [behaviours, fields = {}]] of endpoints.entries()) {
    const name = unique('fault');
    await world.upstream.setBehaviour(name, ...behaviours);
    const provider = await world.provider();
    const endpoint = { provider_id: provider.id, upstream_model: name, priority: at + 1, ...fields };
    await world.admin.post(`/models/${id}/endpoints`, endpoint);
    names.push(name);
    providers.push(provider.name);
  }
  return { id, model, names, providers };
}

interface Told {
  answer: StreamedAnswer;
  usage: UsageView;
  /** Calls that the endpoints saw, in the order of the endpoints. */
  calls: Call[][];
}

/** One streamed call, what it cost, and what the providers saw of it. */
async function tell({ model, names }: Pool): Promise<Told> {
  const marker = unique('sixteen');
  const before = await world.admin.wallet(key.accountId, 'standard');
  const body = prompt(model, { user: marker, stream_options: { include_usage: true } });
  const answer = await chatStream(world.url, body, { key: key.key });
  const usage = await world.admin.settled(requestIdOf(answer.response));
  await expectPaid(before.available, usage);
  const seen = await world.upstream.calls(marker);
  return { answer, usage, calls: names.map((name) => seen.filter((call) => call.model === name)) };
}

/** The wallet has lost exactly what the record says, nothing is frozen, and the ledger adds up to it. */
async function expectPaid(availableBefore: string, usage: UsageView): Promise<void> {
  const after = await world.admin.wallet(key.accountId, 'standard');
  const spent = microsOf(availableBefore) - microsOf(after.available);
  expect([spent, after.frozen]).toEqual([microsOf(usage.credits_charged), '0.000000']);
  const ledger = await world.admin.get<{ data: { available_delta: string; frozen_delta: string }[] }>(
    `/accounts/${key.accountId}/wallets/standard/ledger?limit=200`,
  );
  const sum = (field: 'available_delta' | 'frozen_delta'): bigint =>
    ledger.data.reduce((total, row) => total + microsOf(row[field]), 0n);
  expect([sum('available_delta'), sum('frozen_delta')]).toEqual([microsOf(after.available), 0n]);
}

function microsOf(decimal: string): bigint {
  const [whole = '0', places = ''] = decimal.replace('-', '').split('.');
  const value = BigInt(whole + places.padEnd(6, '0'));
  return decimal.startsWith('-') ? -value : value;
}

/** The whole answer, once, from the endpoint at this place, for the price of one. */
function expectWhole({ answer, usage }: Told, { providers, names }: Pool, servedBy: number): void {
  expect(answer).toMatchObject({ text: ANSWER, done: true, error: undefined });
  expect(answer.metadata?.provider).toBe(providers[servedBy]);
  expect(answer.chunks.find((chunk) => chunk.usage?.completion_tokens === WORDS)?.model).toBe(names[servedBy]);
  expect(usage).toMatchObject({ status: 'settled', provider: providers[servedBy], usage_source: 'provider' });
  expect([usage.credits_used, usage.credits_charged]).toEqual([PRICE_OF_ONE_ANSWER, PRICE_OF_ONE_ANSWER]);
}

const countsOf = ({ calls }: Told): number[] => calls.map((seen) => seen.length);

/** State of the first endpoint's breaker. */
async function breakerOf({ id }: Pool): Promise<string | undefined> {
  const { data } = await world.admin.get<{ data: { standing: { breaker: string } }[] }>(`/models/${id}/endpoints`);
  return data[0]?.standing.breaker;
}

/** A refusal with nothing to pay. */
async function tellRefusal({ model, names }: Pool) {
  const marker = unique('sixteen');
  const before = await world.admin.wallet(key.accountId, 'standard');
  const response = await chat(world.url, prompt(model, { user: marker, stream: true }), { key: key.key });
  const usage = await world.admin.settled(requestIdOf(response));
  await expectPaid(before.available, usage);
  expect(usage).toMatchObject({ status: 'released', credits_charged: '0.000000' });
  const seen = await world.upstream.calls(marker);
  return {
    error: await errorOf(response),
    counts: names.map((name) => seen.filter((call) => call.model === name).length),
  };
}

it('S01 429 with Retry-After: the next endpoint at once; where none is ready the limit is waited for', async () => {
  const ready = await pool([['status-429-r2', HEALTHY]], [[HEALTHY]]);
  const elsewhere = await tell(ready);
  expectWhole(elsewhere, ready, 1);
  expect(countsOf(elsewhere)).toEqual([1, 1]);
  const target = await pool([['status-429-r2', HEALTHY]], [['status-503']]);
  const told = await tell(target);
  expectWhole(told, target, 0);
  expect(countsOf(told)).toEqual([2, 1]);
  const [first, second] = told.calls[0] ?? [];
  expect((second?.startedAtMs ?? 0) - (first?.startedAtMs ?? 0)).toBeGreaterThanOrEqual(1_900);
});

it('S02 429 without Retry-After, persistent: asked once, never hammered', async () => {
  const target = await pool([['status-429']], [[HEALTHY]]);
  const told = await tell(target);
  expectWhole(told, target, 1);
  expect(countsOf(told)).toEqual([1, 1]);
});

it('S03 500 once, then healthy: one retry at the same endpoint where no other answers', async () => {
  const target = await pool([['status-500', HEALTHY]], [['status-503']]);
  const told = await tell(target);
  expectWhole(told, target, 0);
  expect(countsOf(told)).toEqual([2, 1]);
});

it('S04 503 persistent: the next endpoint', async () => {
  const target = await pool([['status-503']], [[HEALTHY]]);
  const told = await tell(target);
  expectWhole(told, target, 1);
  expect(countsOf(told)).toEqual([1, 1]);
});

it('S05 TCP reset before headers: sent once more where no other endpoint answers', async () => {
  const target = await pool([['reset', HEALTHY]], [['status-503']]);
  const told = await tell(target);
  expectWhole(told, target, 0);
  expect(countsOf(told)).toEqual([2, 1]);
});

it('S06 no response at all: left after its own time-out, never asked again', async () => {
  const target = await pool([['stall-headers'], { timeouts: { headers_ms: 300 } }], [[HEALTHY]]);
  const told = await tell(target);
  expectWhole(told, target, 1);
  expect(countsOf(told)).toEqual([1, 1]);
  expect(told.answer.response.headers.get('x-daoe-failover')).toBe(`${String(target.providers[0])}=timeout_headers`);
});

it('S07 slow first token: left after its own time-out, and its call is cancelled', async () => {
  const target = await pool([['slow-first-d60000'], { timeouts: { first_token_ms: 300 } }], [[HEALTHY]]);
  const told = await tell(target);
  expectWhole(told, target, 1);
  expect(countsOf(told)).toEqual([1, 1]);
  expect(told.answer.response.headers.get('x-daoe-failover')).toContain('timeout_first_token');
  expect(told.calls[0]?.[0]?.hungUpAtMs).not.toBeNull();
});

const FIRST_20 = textOf(20).length;
const FIRST_40 = textOf(40).length;

it.each([
  ['S08 stream cut mid-answer', 'cut-a40-n60-p30', {}, FIRST_40],
  ['S09 stream stalls', 'stall-a20-n60-p30', { timeouts: { idle_ms: 300 } }, FIRST_20],
  ['S10 malformed chunk in the stream', 'broken-chunk-a10-n60-p30', {}, textOf(10).length],
])(
  '%s: another endpoint goes on without a seam, and the gateway lives on',
  async (_name, fault, fields, afterChars) => {
    const target = await pool([[fault], fields], [[HEALTHY]]);
    const told = await tell(target);
    const [from, to] = target.providers;
    expect(told.answer).toMatchObject({ text: ANSWER, done: true, error: undefined });
    expect(told.answer.metadata?.routing.rescued).toEqual({ from, to, after_chars: afterChars });
    expect(told.usage).toMatchObject({ credits_charged: PRICE_OF_ONE_ANSWER, usage_source: 'provider', provider: to });
    expect(countsOf(told)).toEqual([1, 1]);
    const alive = await pool([[HEALTHY]]);
    expectWhole(await tell(alive), alive, 0);
  },
);

it('S11 stream ends without [DONE]: the answer is whole, with usage and our own end marker', async () => {
  const target = await pool([[`no-done-n${String(WORDS)}-p30`]], [[HEALTHY]]);
  const told = await tell(target);
  expectWhole(told, target, 0);
  expect(countsOf(told)).toEqual([1, 0]);
});

describe('S12 context length exceeded', () => {
  it('is not sent to the same endpoint again but to one that holds more', async () => {
    const target = await pool(
      [['context-length'], { context_window: 8_192 }],
      [[HEALTHY], { context_window: 8_192 }],
      [[HEALTHY], { context_window: 128_000 }],
    );
    const told = await tell(target);
    expectWhole(told, target, 2);
    expect(countsOf(told)).toEqual([1, 0, 1]);
    expect(told.answer.response.headers.get('x-daoe-failover')).toBe(`${String(target.providers[0])}=context_length`);
  });

  it('comes back with the upstream’s code where none holds more', async () => {
    const target = await pool([['context-length'], { context_window: 8_192 }], [[HEALTHY], { context_window: 4_096 }]);
    const { error, counts } = await tellRefusal(target);
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', code: 'context_length_exceeded' });
    expect(counts).toEqual([1, 0]);
  });
});

it('S13 content-filter rejection: the provider’s reason, and nobody else is asked', async () => {
  const { error, counts } = await tellRefusal(await pool([['content-policy']], [[HEALTHY]]));
  expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', code: 'content_policy_violation' });
  expect(error.message).toContain('safety system');
  expect(counts).toEqual([1, 0]);
});

it.each([
  ['declares that it takes none', false, 1],
  ['declares that it does', true, 2],
])('S14 fallback target rejects prefill, and %s: it answers afresh', async (_name, supportsPrefill, asked) => {
  const fallback = [`no-prefill-n${String(WORDS)}-p30`];
  const target = await pool([['cut-a40-n60-p30']], [fallback, { supports_prefill: supportsPrefill }]);
  const told = await tell(target);
  expect(told.answer).toMatchObject({ text: ANSWER, done: true, error: undefined });
  expect(told.answer.metadata?.routing.rescued).toMatchObject({ after_chars: FIRST_40 });
  expect(told.usage).toMatchObject({ credits_charged: PRICE_OF_ONE_ANSWER, usage_source: 'provider' });
  expect(countsOf(told)).toEqual([1, asked]);
});

it('S15 primary flaps: served by the fallback, left alone, probed, and used again', async () => {
  const target = await pool([['status-503']], [[HEALTHY]]);
  for (let request = 0; request < 4; request += 1) {
    const told = await tell(target);
    expectWhole(told, target, 1);
    // One try a request at most; none while the breaker is open (breakers.spec.ts).
    expect(told.calls[0]?.length).toBeLessThanOrEqual(1);
  }
  expect(await breakerOf(target)).toMatch(/^(open|half_open)$/);
  await world.upstream.setBehaviour(target.names[0] ?? '', HEALTHY);
  const recovered = await pollUntil(
    async () => {
      const told = await tell(target);
      return told.answer.metadata?.provider === target.providers[0] ? told : null;
    },
    'the primary to be used again',
    20_000,
  );
  expectWhole(recovered, target, 0);
  expect(await breakerOf(target)).toBe('closed');
});

it('S16 fail-over accounting: the fallback’s name and usage, the failed attempts on the record at no cost', async () => {
  const target = await pool([['status-503']], [['status-500']], [[HEALTHY]]);
  const told = await tell(target);
  expectWhole(told, target, 2);
  expect(countsOf(told)).toEqual([1, 1, 1]);
  const trace = await world.admin.trace(requestIdOf(told.answer.response));
  const attempts = trace.stages.find(({ stage }) => stage === 'provider')?.['attempts'] as Fields[];
  expect(attempts.map(({ provider, status, error_class }) => [provider, status, error_class])).toEqual([
    [target.providers[0], 503, 'endpoint_fault'],
    [target.providers[1], 500, 'endpoint_fault'],
    [target.providers[2], 200, null],
  ]);
  for (const attempt of attempts) {
    expect(attempt).toMatchObject({ endpoint_id: expect.any(String) as string, ms: expect.any(Number) as number });
  }
});
