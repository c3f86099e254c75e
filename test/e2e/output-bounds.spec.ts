import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { Client } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import { chat, chatStream, prompt, requestIdOf, type Completion, type StreamedAnswer } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { World, type TestKey, type TestModel } from '../support/world.js';

/** Output tokens of one step, and of the widest step past a small maximum. */
const STEP_TOKENS = 1_024;
const MAXIMUM = 16;

let world: World;
let sql: Client;
beforeAll(async () => {
  world = await World.create();
  sql = new Client({ connectionString: world.database.url });
  await sql.connect();
});
afterAll(async () => {
  expect(await auditLedger(rowsOf(sql))).toEqual([]);
  await sql.end();
  await world.destroy();
});

const keyWith = (credits: string, fields?: Record<string, unknown>): Promise<TestKey> =>
  world.key({ credits: { standard: credits }, ...(fields === undefined ? {} : { fields }) });

const finishOf = ({ chunks }: StreamedAnswer): (string | null)[] =>
  chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason)).filter((reason) => reason !== null);

interface EventView {
  kind: string;
  account_id: string | null;
  subject: { type: string; id: string };
  data: Record<string, unknown>;
}

async function eventsOf(kind: string, requestIds: readonly string[]): Promise<EventView[]> {
  const { data } = await world.admin.get<{ data: EventView[] }>(`/events?kind=${kind}&limit=100`);
  return data.filter((event) => requestIds.includes(String(event.data['request_id'])));
}

async function sumsOf(accountId: string): Promise<{ charged: number; shortfall: number }> {
  await pollUntil(async () => {
    const { frozen } = await world.admin.wallet(accountId, 'standard');
    return frozen === '0.000000' ? true : null;
  }, 'every freeze to end');
  const { rows } = await sql.query<{ charged: string; shortfall: string }>(
    'select sum(credits_charged) as charged, sum(shortfall) as shortfall from usage_record where account_id = $1',
    [accountId],
  );
  return { charged: Number(rows[0]?.charged) / 1e6, shortfall: Number(rows[0]?.shortfall) / 1e6 };
}

describe('a provider that ignores the maximum', () => {
  let model: TestModel;
  beforeAll(async () => {
    model = await world.model({ behaviours: ['ok-n6000-p10'] });
  });
  const body = (): Record<string, unknown> => prompt(model.key, { max_tokens: MAXIMUM });

  it('is stopped a step past it; the caller pays for what was delivered, and operators hear of it', async () => {
    const rich = await keyWith('100');
    const answer = await chatStream(world.url, body(), { key: rich.key });
    expect(finishOf(answer)).toEqual(['length']);
    expect(answer.done).toBe(true);
    expect(answer.metadata?.billing).toMatchObject({ stopped_by: 'max_tokens', usage_source: 'estimated' });
    const delivered = countTokens(answer.text);
    expect(delivered).toBeGreaterThan(MAXIMUM);
    expect(delivered).toBeLessThanOrEqual(MAXIMUM + STEP_TOKENS);
    const requestId = requestIdOf(answer.response);
    const usage = await world.admin.settled(requestId);
    expect(usage).toMatchObject({ output_tokens: delivered, shortfall: '0.000000' });
    expect(usage.credits_charged).toBe(answer.metadata?.billing.credits_used);
    const trace = await world.admin.trace(requestId);
    expect(trace.verdict).toContain('past its maximum of output tokens');
    expect(trace.stages.find(({ stage }) => stage === 'capture')).toMatchObject({
      reason: 'maximum_exceeded',
      doubt: 'maximum_exceeded',
    });
    const [event, ...more] = await eventsOf('maximum_exceeded', [requestId]);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ subject: { type: 'endpoint' }, data: { provider: model.providers[0] } });
  });

  it('costs the platform nothing, ten times at once on a wallet of one credit', async () => {
    const poor = await keyWith('1');
    const ask = (): Promise<StreamedAnswer> => chatStream(world.url, body(), { key: poor.key });
    const answers = await Promise.all(Array.from({ length: 10 }, ask));
    // The first ones may take all of the wallet before the last ones begin.
    expect(answers.every(({ response }) => response.status === 200 || response.status === 402)).toBe(true);
    const begun = answers.filter(({ response }) => response.status === 200);
    expect(begun.length).toBeGreaterThan(0);
    expect(begun.map(finishOf)).toEqual(begun.map(() => ['length']));
    const { charged, shortfall } = await sumsOf(poor.accountId);
    expect(charged).toBeLessThanOrEqual(1);
    expect(shortfall).toBe(0);
  });

  it('does not overdraw a daily quota', async () => {
    const limited = await keyWith('100', { limit_daily: '1' });
    for (let call = 0; call < 3; call++) await chatStream(world.url, body(), { key: limited.key });
    const { charged, shortfall } = await sumsOf(limited.accountId);
    expect(charged).toBeLessThanOrEqual(1);
    expect(shortfall).toBe(0);
  });

  it('ends every choice that it stops, once', async () => {
    const rich = await keyWith('100');
    const answer = await chatStream(world.url, { ...body(), n: 3 }, { key: rich.key });
    const ends = answer.chunks.flatMap(({ choices }) => choices.filter((choice) => choice.finish_reason !== null));
    expect(ends.map(({ index, finish_reason: finish }) => [index, finish])).toEqual([
      [0, 'length'],
      [1, 'length'],
      [2, 'length'],
    ]);
    expect(answer.done).toBe(true);
  });

  it('is cut a step past it in a plain answer, too', async () => {
    const rich = await keyWith('100');
    const response = await chat(world.url, body(), { key: rich.key });
    const completion = (await response.json()) as Completion;
    const text = completion.choices[0]?.message.content ?? '';
    expect(completion.choices[0]?.finish_reason).toBe('length');
    expect(completion.metadata.billing).toMatchObject({ stopped_by: 'max_tokens', usage_source: 'estimated' });
    expect(countTokens(text)).toBeGreaterThan(MAXIMUM);
    expect(countTokens(text)).toBeLessThanOrEqual(MAXIMUM + STEP_TOKENS);
    const usage = await world.admin.settled(requestIdOf(response));
    expect(usage).toMatchObject({ output_tokens: countTokens(text), shortfall: '0.000000' });
  });

  it('costs the platform nothing with plain calls on a wallet of one credit', async () => {
    const poor = await keyWith('1');
    const answers = await Promise.all(Array.from({ length: 10 }, () => chat(world.url, body(), { key: poor.key })));
    expect(answers.every(({ status }) => status === 200 || status === 402)).toBe(true);
    const { charged, shortfall } = await sumsOf(poor.accountId);
    expect(charged).toBeLessThanOrEqual(1);
    expect(shortfall).toBe(0);
  });
});

describe('a plain answer without a maximum that its wallet cannot pay', () => {
  it('is cut to what is paid for', async () => {
    const poor = await keyWith('3');
    const { key: model } = await world.model({ behaviours: ['ok-n6000-p10'] });
    const response = await chat(world.url, prompt(model), { key: poor.key });
    const completion = (await response.json()) as Completion;
    expect(completion.choices[0]?.finish_reason).toBe('length');
    expect(completion.metadata.billing).toHaveProperty('stopped_by');
    const { charged, shortfall } = await sumsOf(poor.accountId);
    expect(charged).toBeLessThanOrEqual(3);
    expect(charged).toBeGreaterThan(2.9);
    expect(shortfall).toBe(0);
  });
});

describe('a provider that obeys', () => {
  it.each([true, false])('is delivered whole at its maximum, without an extension (stream: %s)', async (stream) => {
    const rich = await keyWith('100');
    const { key: model } = await world.model({ behaviours: ['obedient-n500-p10'] });
    const asked = prompt(model, { max_tokens: 200, stream });
    const response = await chat(world.url, asked, { key: rich.key });
    await response.text();
    const requestId = requestIdOf(response);
    expect(await world.admin.settled(requestId)).toMatchObject({ output_tokens: 200, usage_source: 'provider' });
    const { rows } = await sql.query<{ extensions: number }>('select extensions from wallet_freeze where id = $1', [
      requestId,
    ]);
    // The prompt of a plain call was estimated a little too low, and is paid for before the answer.
    expect(rows[0]?.extensions).toBeLessThanOrEqual(stream ? 0 : 1);
  });
});

describe('counts that cannot be true', () => {
  it.each([
    ['output', 'ok-n20-p10-o99999999', true],
    ['output', 'ok-n20-p10-o99999999', false],
    ['a prompt', 'ok-n20-p50000000', true],
    ['a prompt', 'ok-n20-p50000000', false],
  ])('of %s (%s, stream: %s) are as if none had come, and are told of', async (_what, behaviour, stream) => {
    const rich = await keyWith('100000');
    const { key: model } = await world.model({ behaviours: [behaviour], endpoint: { output_usd_mtok: '1' } });
    const response = await chat(world.url, prompt(model, { stream }), { key: rich.key });
    await response.text();
    const requestId = requestIdOf(response);
    const usage = await world.admin.settled(requestId);
    expect(usage).toMatchObject({ output_tokens: 20, usage_source: 'estimated', shortfall: '0.000000' });
    expect(usage.input_tokens).toBeLessThan(20);
    expect(Number((usage as unknown as Record<string, string>)['provider_cost_usd'])).toBeLessThan(0.001);
    expect((await world.admin.trace(requestId)).verdict).toContain('cannot be true');
    const events = await eventsOf('implausible_usage', [requestId]);
    expect(events).toHaveLength(1);
  });

  it('are told of once an hour, not with every call', async () => {
    const rich = await keyWith('100');
    const { key: model } = await world.model({ behaviours: ['ok-n20-o99999999'] });
    const ids: string[] = [];
    for (let call = 0; call < 3; call++) {
      const response = await chat(world.url, prompt(model), { key: rich.key });
      ids.push(requestIdOf(response));
      await world.admin.settled(requestIdOf(response));
    }
    // One, or two where the hour ends in between.
    const events = await eventsOf('implausible_usage', ids);
    expect([1, 2]).toContain(events.length);
  });

  it('a count past the maximum by more than a step is not charged either', async () => {
    const rich = await keyWith('100');
    const { key: model } = await world.model({ behaviours: ['obedient-n20-p10-o8000'] });
    const answer = await chatStream(world.url, prompt(model, { max_tokens: MAXIMUM }), { key: rich.key });
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage).toMatchObject({ output_tokens: MAXIMUM, usage_source: 'estimated' });
    expect(await eventsOf('maximum_exceeded', [requestIdOf(answer.response)])).toHaveLength(1);
  });
});

describe('output that is no text', () => {
  it.each([
    ['picture', 1_290, 1_290],
    ['speech', 20, 60],
    ['sealed', 100, 400],
  ])('%s without usage is estimated and charged, streamed and whole alike', async (name, least, most) => {
    const rich = await keyWith('100');
    const { key: model } = await world.model({ behaviours: [`${name}-p10`] });
    const counts: number[] = [];
    for (const stream of [true, false]) {
      const response = await chat(world.url, prompt(model, { stream }), { key: rich.key });
      await response.text();
      const usage = await world.admin.settled(requestIdOf(response));
      expect(usage).toMatchObject({ status: 'settled', usage_source: 'estimated' });
      counts.push(usage.output_tokens);
    }
    expect(counts[0]).toBe(counts[1]);
    expect(counts[0]).toBeGreaterThanOrEqual(least);
    expect(counts[0]).toBeLessThanOrEqual(most);
  });
});

describe('a shortfall', () => {
  it('is told of, once for a wallet and an hour', async () => {
    // Thoughts that nobody could have foreseen, on a model of which nothing is known.
    const poor = await keyWith('1');
    const { key: model } = await world.model({ behaviours: ['hidden-n5-h8000-p10'] });
    const answer = await chatStream(world.url, prompt(model, { max_tokens: 8_192 }), { key: poor.key });
    const requestId = requestIdOf(answer.response);
    expect((await world.admin.settled(requestId)).shortfall).not.toBe('0.000000');
    const [event] = await eventsOf('shortfall', [requestId]);
    expect(event).toMatchObject({ account_id: poor.accountId, subject: { id: `${poor.accountId}/standard` } });
  });
});
