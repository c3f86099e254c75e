import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { Client } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import {
  chat,
  chatStream,
  prompt,
  readStream,
  requestIdOf,
  type Completion,
  type StreamedAnswer,
} from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestKey } from '../support/world.js';

/** Credits of 10 input tokens at 200 and some output tokens at 900 a million. */
const priceOf = (outputTokens: number, answers = 1): number => (answers * (10 * 200 + outputTokens * 900)) / 1e6;

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

const keyWith = (credits: number): Promise<TestKey> => world.key({ credits: { standard: credits.toFixed(6) } });

interface Charges {
  charged: string | null;
  shortfall: string | null;
}

/** What an account was charged in credits, once nothing of it is frozen any more. */
async function chargesOf(accountId: string): Promise<{ charged: number; shortfall: number }> {
  await pollUntil(async () => {
    const { frozen } = await world.admin.wallet(accountId, 'standard');
    return frozen === '0.000000' ? true : null;
  }, 'every freeze to end');
  const { rows } = await sql.query<Charges>(
    'select sum(credits_charged) as charged, sum(shortfall) as shortfall from usage_record where account_id = $1',
    [accountId],
  );
  return { charged: Number(rows[0]?.charged) / 1e6, shortfall: Number(rows[0]?.shortfall) / 1e6 };
}

const finishOf = ({ chunks }: StreamedAnswer): (string | null)[] =>
  chunks.flatMap(({ choices }) => choices.map((choice) => choice.finish_reason)).filter((reason) => reason !== null);

describe('a balance for k average answers, and requests that honestly allow 32,000 tokens', () => {
  const asked = 30;
  const tokens = 150;

  it('lets at least 0.9 k streams run at once and to their end, and spends no more than is there', async () => {
    const poor = await keyWith(priceOf(tokens, asked));
    const gates = [100, 125, 150, 175, 200].map((length) => ({ name: unique('gate'), length }));
    const setAll = (behaviourOf: (length: number) => string): Promise<unknown> =>
      Promise.all(gates.map(({ name, length }) => world.upstream.setBehaviour(name, behaviourOf(length))));
    await setAll((length) => `held-a1-n${String(length)}-p10-d15`);
    const models = await Promise.all(gates.map(({ name }) => world.model({ behaviours: [name] })));
    const responses = await Promise.all(
      Array.from({ length: asked }, (_, at) => {
        const body = prompt(models[at % models.length]?.key, { max_tokens: 32_000, stream: true });
        return chat(world.url, body, { key: poor.key });
      }),
    );
    const running = responses.filter(({ status }) => status === 200);
    expect(running.length).toBeGreaterThanOrEqual(asked * 0.9);
    await setAll(() => 'ok');
    const served = await Promise.all(running.map(readStream));
    const whole = served.filter((answer) => finishOf(answer).includes('stop'));
    expect(whole.length).toBeGreaterThanOrEqual(asked * 0.9);
    expect(served.every((answer) => answer.done)).toBe(true);
    const { charged, shortfall } = await chargesOf(poor.accountId);
    expect(charged).toBeLessThanOrEqual(priceOf(tokens, asked));
    expect(shortfall).toBe(0);
  });

  it('serves plain calls one after the other, each with its whole answer, until the credits are gone', async () => {
    const few = 5;
    const poor = await keyWith(priceOf(tokens, few));
    const { key: model } = await world.model({ behaviours: [`obedient-n${String(tokens)}-p10`] });
    const statuses: number[] = [];
    for (let call = 0; call < few + 1; call++) {
      const response = await chat(world.url, prompt(model, { max_tokens: 32_000 }), { key: poor.key });
      statuses.push(response.status);
      if (response.status === 200) await world.admin.settled(requestIdOf(response));
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 402]);
    expect((await chargesOf(poor.accountId)).shortfall).toBe(0);
  });

  it('never overspends with plain calls at once: who is served is paid for, the others are told', async () => {
    const poor = await keyWith(priceOf(tokens, asked));
    const { key: model } = await world.model({ behaviours: [`obedient-n4000-p10`] });
    const answers = await Promise.all(
      Array.from({ length: asked }, () => chat(world.url, prompt(model, { max_tokens: 32_000 }), { key: poor.key })),
    );
    const statuses = answers.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(1);
    expect(statuses.every((status) => status === 200 || status === 402)).toBe(true);
    expect((await chargesOf(poor.accountId)).shortfall).toBe(0);
  });
});

describe('a stream whose wallet runs dry', () => {
  it('ends cleanly, says why, and is charged exactly for what was delivered', async () => {
    const poor = await keyWith(0.25);
    const { key: model } = await world.model({ behaviours: ['slow-tokens-n1000-p10-d1'] });
    const answer = await chatStream(world.url, prompt(model, { max_tokens: 32_000 }), { key: poor.key });
    expect(finishOf(answer)).toEqual(['length']);
    expect(answer.done).toBe(true);
    expect(answer.metadata?.billing).toMatchObject({ stopped_by: 'insufficient_quota', usage_source: 'estimated' });
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage.output_tokens).toBe(countTokens(answer.text));
    expect(usage.shortfall).toBe('0.000000');
    expect(usage.credits_charged).toBe(answer.metadata?.billing.credits_used);
    const { available } = await world.admin.wallet(poor.accountId, 'standard');
    // Not enough is left for the least step.
    expect(Number(available)).toBeLessThan(16 * 0.0009);
  });

  it('delivers no more of a burst than is paid for', async () => {
    const poor = await keyWith(0.1);
    const { key: model } = await world.model({ behaviours: ['fast-n2000-p10'] });
    const answer = await chatStream(world.url, prompt(model, { max_tokens: 32_000 }), { key: poor.key });
    expect(finishOf(answer)).toEqual(['length']);
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage).toMatchObject({ output_tokens: countTokens(answer.text), shortfall: '0.000000' });
    expect(Number(usage.credits_charged)).toBeLessThanOrEqual(0.1);
    expect(Number(usage.credits_charged)).toBeGreaterThan(0.08);
  });
});

describe('a plain call', () => {
  const clampAt = async (needle: string): Promise<unknown> => {
    const [call] = await world.upstream.calls(needle);
    return (JSON.parse(call?.body ?? '{}') as { max_tokens?: unknown }).max_tokens;
  };

  async function ask(credits: number, fields: Record<string, unknown>, pieces: number): Promise<[Completion, unknown]> {
    const poor = await keyWith(credits);
    const { key: model } = await world.model({ behaviours: [`obedient-n${String(pieces)}-p10`] });
    const needle = `needle ${poor.id}`;
    const body = { ...prompt(model, fields), messages: [{ role: 'user', content: needle }] };
    const response = await chat(world.url, body, { key: poor.key });
    expect(response.status).toBe(200);
    const completion = (await response.json()) as Completion;
    const { shortfall } = await world.admin.settled(requestIdOf(response));
    expect(shortfall).toBe('0.000000');
    return [completion, await clampAt(needle)];
  }

  it('is clamped to what the wallet covers, and says so when that cuts it', async () => {
    const [cut, clamp] = await ask(0.1, { max_tokens: 32_000 }, 4_000);
    expect(clamp).toBeLessThan(112);
    expect(clamp).toBeGreaterThan(95);
    expect(cut.choices[0]?.finish_reason).toBe('length');
    expect(cut.usage.completion_tokens).toBe(clamp);
    expect(cut.metadata.billing).toMatchObject({ stopped_by: 'insufficient_quota', usage_source: 'provider' });
  });

  it('is clamped and whole when it needs less', async () => {
    const [whole, clamp] = await ask(0.1, { max_tokens: 32_000 }, 20);
    expect(clamp).toBeGreaterThan(95);
    expect(whole.choices[0]?.finish_reason).toBe('stop');
    expect(whole.metadata.billing).not.toHaveProperty('stopped_by');
  });

  it('is not clamped when the wallet covers what it asks for', async () => {
    const [cut, clamp] = await ask(30, { max_tokens: 50 }, 4_000);
    expect(clamp).toBe(50);
    expect(cut.choices[0]?.finish_reason).toBe('length');
    expect(cut.metadata.billing).not.toHaveProperty('stopped_by');
    expect((await ask(30, {}, 2_000))[1]).toBeUndefined();
  });

  it('without a maximum takes all that a low wallet has, and no more', async () => {
    const [cut, clamp] = await ask(2, {}, 8_000);
    expect(clamp).toBeGreaterThan(2_000);
    expect(clamp).toBeLessThan(2_223);
    expect(cut.usage.completion_tokens).toBe(clamp);
    expect(cut.metadata.billing).toMatchObject({ stopped_by: 'insufficient_quota' });
  });

  it('is refused when the wallet covers hardly any answer', async () => {
    const poor = await keyWith(0.01);
    const { key: model } = await world.model({ behaviours: ['obedient-n20-p10'] });
    expect((await chat(world.url, prompt(model, { max_tokens: 32_000 }), { key: poor.key })).status).toBe(402);
  });
});
