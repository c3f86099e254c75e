import { Client } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import { chat, chatStream, prompt, readStream, requestIdOf } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { World, type TestKey } from '../support/world.js';

const HIDDEN = 'hidden-n5-h8000-p8';

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

const keyWith = (credits: string): Promise<TestKey> => world.key({ credits: { standard: credits } });

async function shortfallOf(accountId: string): Promise<number> {
  await pollUntil(async () => {
    const { frozen } = await world.admin.wallet(accountId, 'standard');
    return frozen === '0.000000' ? true : null;
  }, 'every freeze to end');
  const { rows } = await sql.query<{ shortfall: string | null }>(
    'select sum(shortfall) as shortfall from usage_record where account_id = $1',
    [accountId],
  );
  return Number(rows[0]?.shortfall ?? 0);
}

async function sentMaximum(needle: string): Promise<unknown> {
  const [call] = await world.upstream.calls(needle);
  return (JSON.parse(call?.body ?? '{}') as { max_tokens?: unknown }).max_tokens;
}

/** Many streams at once: how many were admitted, and what the platform lost. */
async function rush(poor: TestKey, model: string, more: Record<string, unknown>): Promise<[number, number]> {
  const body = prompt(model, { stream: true, ...more });
  const responses = await Promise.all(Array.from({ length: 40 }, () => chat(world.url, body, { key: poor.key })));
  const admitted = responses.filter(({ status }) => status === 200);
  expect(responses.every(({ status }) => status === 200 || status === 402)).toBe(true);
  await Promise.all(admitted.map(readStream));
  return [admitted.length, await shortfallOf(poor.accountId)];
}

describe('output that cannot be seen', () => {
  it('is frozen for before it is made: a provider that obeys causes no shortfall at any concurrency', async () => {
    const { key: model } = await world.model({ behaviours: [HIDDEN], fields: { hidden_output_max: 8_000 } });
    // 8,000 tokens cost 7.2 credits: one credit begins nothing, sixteen begin two at once.
    expect(await rush(await keyWith('1'), model, { max_tokens: 8_192 })).toEqual([0, 0]);
    const [admitted, shortfall] = await rush(await keyWith('16'), model, { max_tokens: 8_192 });
    expect(admitted).toBeGreaterThanOrEqual(1);
    expect(shortfall).toBe(0);
  });

  it('is bounded by what is sent upstream where the request has no maximum, streamed and whole', async () => {
    const { key: model } = await world.model({ behaviours: [HIDDEN], fields: { hidden_output_max: 2_000 } });
    const rich = await keyWith('1000');
    for (const stream of [true, false]) {
      const needle = `needle ${rich.id} ${String(stream)}`;
      const body = { ...prompt(model, { stream }), messages: [{ role: 'user', content: needle }] };
      const response = await chat(world.url, body, { key: rich.key });
      await response.text();
      expect(await sentMaximum(needle)).toBe(2_000 + 1_024);
      const trace = await world.admin.trace(requestIdOf(response));
      expect(trace.stages.find(({ stage }) => stage === 'freeze')).toMatchObject({ hidden_output_tokens: 2_000 });
    }
    expect(await shortfallOf(rich.accountId)).toBe(0);
  });

  it('is learned from usage, kept, and frozen for with a margin', async () => {
    const { id, key: model } = await world.model({ behaviours: ['hidden-n5-h3000-p8'] });
    const rich = await keyWith('1000');
    const first = await chatStream(world.url, prompt(model, { max_tokens: 8_192 }), { key: rich.key });
    expect(Number(first.metadata?.billing.frozen)).toBeLessThan(1);
    const next = await chatStream(world.url, prompt(model, { max_tokens: 8_192 }), { key: rich.key });
    // Twice what was seen, and the first step of what can be seen.
    expect(Number(next.metadata?.billing.frozen)).toBeCloseTo((8 * 200 + (6_000 + 1_024) * 900) / 1e6, 3);
    await pollUntil(async () => {
      const seen = await world.admin.get<{ hidden_output_seen: number }>(`/models/${id}`);
      return seen.hidden_output_seen === 3_000 ? true : null;
    }, 'what was learned to be kept');
    expect(await shortfallOf(rich.accountId)).toBe(0);
  });

  it('covers the whole maximum when a request asks to think and nothing is known', async () => {
    const { key: model } = await world.model({ behaviours: [HIDDEN] });
    const asked = { max_tokens: 8_192, reasoning_effort: 'high' };
    expect(await rush(await keyWith('1'), model, asked)).toEqual([0, 0]);
  });

  it('is nothing for models that show everything: their streams begin on little', async () => {
    const { key: model } = await world.model({
      behaviours: ['ok-n20-p8'],
      fields: { hidden_output_max: 0 },
    });
    const poor = await keyWith('1');
    const asked = prompt(model, { max_tokens: 8_192, reasoning_effort: 'high', stream: true });
    const response = await chat(world.url, asked, { key: poor.key });
    expect(response.status).toBe(200);
    await response.text();
  });
});
