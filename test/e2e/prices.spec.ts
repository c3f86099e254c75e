import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { chat, chatStream, prompt, readStream, requestIdOf, type Completion } from '../support/chat.js';
import { auditLedger, rowsOf } from '../support/audit.js';
import { PROJECT_DIR } from '../support/build.js';
import { gatewayEnvironment } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestKey, type TestModel } from '../support/world.js';

interface PriceView {
  id: string;
  version: number;
  customer_output_mtok: string;
}

describe('prices over their life', () => {
  let world: World;
  let key: TestKey;
  let sql: Client;
  const startedAtMs = Date.now();

  beforeAll(async () => {
    world = await World.create();
    key = await world.key();
    sql = new Client({ connectionString: world.database.url });
    await sql.connect();
  });
  afterAll(async () => {
    expect(await auditLedger(rowsOf(sql))).toEqual([]);
    await sql.end();
    await world.destroy();
  });

  async function completed(model: TestModel): Promise<Completion> {
    return (await (await chat(world.url, prompt(model.key), { key: key.key })).json()) as Completion;
  }

  const schedule = (model: TestModel, inMs: number): Promise<Response> =>
    world.admin.send('POST', `/models/${model.id}/prices`, {
      customer_output_mtok: '90000',
      effective_at: new Date(Date.now() + inMs).toISOString(),
    });

  /** A time that has passed before the gateway reads it is refused: then again, further ahead. */
  async function scheduleSoon(model: TestModel, inMs = 500): Promise<PriceView> {
    const response = await schedule(model, inMs);
    if (response.status === 400) return scheduleSoon(model, 2 * inMs);
    return (await response.json()) as PriceView;
  }

  /** The output rate in the memory of the gateway process, from which it also prices requests. */
  async function offeredAt(model: TestModel): Promise<number | undefined> {
    const answer = (await (await fetch(`${world.url}/api/v1/models`)).json()) as {
      data: { models: { modelKey: string; customerOutputMtok: number }[] };
    };
    return answer.data.models.find(({ modelKey }) => modelKey === model.key)?.customerOutputMtok;
  }

  /** Runs the command as `npm run re-rate` does. @returns its exit code and the lines it printed. */
  async function reRate(...args: string[]): Promise<{ code: number; lines: string[] }> {
    const range = ['--from', new Date(startedAtMs).toISOString(), '--to', new Date(Date.now() + 60_000).toISOString()];
    const env = gatewayEnvironment({ databaseUrl: world.database.url });
    const command = promisify(execFile)(process.execPath, ['dist/src/start/re-rate.js', ...range, ...args], {
      cwd: PROJECT_DIR,
      env,
    });
    const { code, stdout } = await command.then(
      (done) => ({ code: 0, stdout: done.stdout }),
      (error: unknown) => error as { code: number; stdout: string },
    );
    return { code, lines: stdout.trim().split('\n') };
  }

  it('a request is priced by the version of its freeze, though a scheduled one comes into force while it streams', async () => {
    const upstreamModel = unique('gate');
    await world.upstream.setBehaviour(upstreamModel, 'held-n30-p10');
    const model = await world.model({ behaviours: [upstreamModel] });
    const first = await chat(world.url, prompt(model.key, { stream: true }), { key: key.key });
    const scheduled = await scheduleSoon(model);
    expect(scheduled).toMatchObject({ version: 2, customer_output_mtok: '90000.000000' });
    await pollUntil(async () => ((await offeredAt(model)) === 90_000 ? true : null), 'the scheduled price');
    await world.upstream.setBehaviour(upstreamModel, 'ok-n30-p10');
    const [before, after] = [await readStream(first), await chatStream(world.url, prompt(model.key), { key: key.key })];
    // 10 input tokens at 200 and 30 output tokens at 900, then at 90000 credits a million.
    expect(before.metadata?.billing.credits_used).toBe('0.029000');
    expect(after.metadata?.billing.credits_used).toBe('2.702000');
    expect(await world.admin.settled(requestIdOf(after.response))).toMatchObject({ price_id: scheduled.id });
    expect(await world.admin.settled(requestIdOf(before.response))).toMatchObject({ credits_charged: '0.029000' });
  });

  it('a settled request is corrected once, audited, and explained to its caller', async () => {
    const model = await world.model();
    const { metadata } = await completed(model);
    const id = metadata.request_id;
    await world.admin.settled(id);
    const balance = await world.admin.wallet(key.accountId, 'standard');
    const body = { output_tokens: 5, cached_input_tokens: 4, input_tokens: 6, reason: 'ticket 12' };
    const correct = (headers: Record<string, string>) =>
      world.admin.send('POST', `/usage/${id}/corrections`, body, headers);
    expect((await correct({})).status).toBe(400);
    const answers = [
      await correct({ 'idempotency-key': 'ticket-12' }),
      await correct({ 'idempotency-key': 'ticket-12' }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[1]?.headers.get('idempotency-replayed')).toBe('true');
    expect(await answers[0]?.json()).toEqual(await answers[1]?.json());
    // 6 × 200 + 5 × 900 + 4 × 20 instead of 10 × 200 + 20 × 900, in micro-credits.
    expect(await world.admin.usage(id)).toMatchObject({
      credits_charged: '0.005780',
      corrections: 1,
      status: 'settled',
    });
    const { available } = await world.admin.wallet(key.accountId, 'standard');
    expect(Number(available) - Number(balance.available)).toBeCloseTo(0.02 - 0.00578, 6);
    const { data: history } = await world.admin.get<{ data: unknown[] }>(`/usage/${id}/corrections`);
    expect(history).toEqual([
      expect.objectContaining({
        number: 1,
        reason: 'ticket 12',
        before: expect.objectContaining({ output_tokens: 20, credits_used: '0.020000' }) as object,
        after: expect.objectContaining({ output_tokens: 5, credits_used: '0.005780' }) as object,
      }),
    ]);
    const audited = await sql.query<{ action: string }>(`select action from audit_log where resource_id = $1`, [id]);
    expect(audited.rows).toEqual([{ action: 'usage.correct' }]);
    const explained = await fetch(`${world.url}/openai/v1/requests/${id}`, {
      headers: { authorization: `Bearer ${key.key}` },
    });
    expect(await explained.text()).toContain('"credits_used_after":"0.005780"');
  });

  it('every amount is found again by the command, corrected ones too, and a planted difference is named', async () => {
    const model = await world.model();
    const { metadata } = await completed(model);
    await world.admin.settled(metadata.request_id);
    const proof = await reRate();
    expect(proof).toMatchObject({ code: 0 });
    expect(proof.lines.at(-1)).toBe('differences: 0');
    const { id: priceId } = await scheduleSoon(model, 3_600_000);
    const whatIf = await reRate('--price', priceId, '--json');
    expect(JSON.parse(whatIf.lines[0] ?? '')).toMatchObject({
      report: { requests: 1, recorded: '0.020000', re_rated: '1.802000', change: '1.782000' },
    });
    await sql.query('update usage_record set output_tokens = output_tokens + 1 where request_id = $1', [
      metadata.request_id,
    ]);
    const found = await reRate('--json');
    await sql.query('update usage_record set output_tokens = output_tokens - 1 where request_id = $1', [
      metadata.request_id,
    ]);
    expect(found).toMatchObject({ code: 1 });
    expect(found.lines.map((line) => JSON.parse(line) as Record<string, unknown>)).toMatchObject([
      { difference: { request_id: metadata.request_id, recorded: '0.020000', re_rated: '0.020900' } },
      { report: { differences: 1 } },
    ]);
  });
});
