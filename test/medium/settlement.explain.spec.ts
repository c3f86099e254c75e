import { STAGES, type RequestTrace, type Stage, type StageRecord } from '../../src/billing/index.js';
import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

describe('explanations', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(() => world.stop());

  /** A trace whose last stage has this record; the stages before it passed. */
  function traceOf(requestId: string, last: StageRecord, changes: Partial<RequestTrace> = {}): RequestTrace {
    const before = STAGES.slice(0, STAGES.indexOf(last.stage));
    return {
      requestId,
      clientRequestId: `client-of-${requestId}`,
      accountId: null,
      apiKeyId: null,
      status: 402,
      stage: last.stage,
      model: null,
      stages: [...before.map((stage): StageRecord => ({ stage, status: 'passed', ms: 1 })), last],
      createdAtMs: Date.now(),
      ...changes,
    };
  }
  async function recorded(trace: RequestTrace): Promise<void> {
    world.traces.record(trace);
    await world.traces.flush();
  }
  async function frozen(): Promise<{ accountId: string; id: string }> {
    const accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 300n, { clientRequestId: `client-of-${accountId}` });
    await world.wallets.freeze(request);
    return { accountId, id: request.id };
  }
  const statuses = (stages: readonly StageRecord[]) =>
    Object.fromEntries(stages.map(({ stage, status }) => [stage, status]));
  const stage = (stages: readonly StageRecord[], name: Stage) => stages.find((record) => record.stage === name);

  it('names the stage that refused, why, and what to do', async () => {
    const id = newRequestId();
    const last: StageRecord = {
      stage: 'freeze',
      status: 'refused',
      ms: 2,
      message: 'insufficient credits in the wallet of the standard tier',
      hint: 'Top the wallet up.',
    };
    await recorded(traceOf(id, last));
    const explained = await world.explanations.explain(id);
    expect(explained).toMatchObject({
      request_id: id,
      client_request_id: `client-of-${id}`,
      status: 402,
      verdict:
        'The request was refused at stage freeze with HTTP 402: insufficient credits in the wallet of the standard tier.',
      next_step: 'Top the wallet up.',
    });
    expect(explained.stages.map((record) => record.stage)).toEqual([...STAGES]);
    expect(statuses(explained.stages)).toMatchObject({
      route: 'passed',
      freeze: 'refused',
      provider: 'not_reached',
      settle: 'not_reached',
    });
  });

  it('follows a request from its freeze to its settlement', async () => {
    const { accountId, id } = await frozen();
    const running = await world.explanations.explain(id);
    expect(running.status).toBeNull();
    expect(running.verdict).toContain('still running');
    await world.wallets.capture(accountId, id, world.outcome(60));
    await recorded(traceOf(id, { stage: 'settle', status: 'pending', ms: 0 }, { status: 200, apiKeyId: accountId }));
    const waiting = await world.explanations.explain(id);
    expect(waiting.verdict).toContain('waiting for a worker');
    expect(stage(waiting.stages, 'settle')).toMatchObject({
      status: 'pending',
      job: { queue: 'settlement', backend: 'postgres' },
    });
    await world.settlement.settlePending();
    const settled = await world.explanations.explain(id);
    expect(settled).toMatchObject({
      status: 200,
      verdict: 'The request was answered by acme with test/model. 0.000120 credits were charged.',
      next_step: 'Nothing to do.',
    });
    expect(stage(settled.stages, 'freeze')).toMatchObject({ amount: '0.000300', state: 'settled' });
    expect(stage(settled.stages, 'settle')).toMatchObject({
      status: 'passed',
      state: 'settled',
      usage: {
        output_tokens: 60,
        credits_used: '0.000120',
        credits_charged: '0.000120',
        provider_cost_usd: '0.000003',
      },
    });
  });

  it('says why an answer was cut short', async () => {
    const { accountId, id } = await frozen();
    await world.wallets.capture(accountId, id, world.outcome(60, { reason: 'caller_gone', usageSource: 'estimated' }));
    await world.settlement.settlePending();
    expect((await world.explanations.explain(id)).verdict).toBe(
      'The request was answered by acme with test/model, until the caller left. 0.000120 credits were charged.',
    );
  });

  it('explains a charge whose trace was lost in a crash', async () => {
    const { accountId, id } = await frozen();
    await world.wallets.capture(accountId, id, world.outcome(60));
    await world.settlement.settlePending();
    const explained = await world.explanations.explain(id);
    expect(explained).toMatchObject({ status: 200, client_request_id: `client-of-${accountId}` });
    expect(explained.verdict).toContain('0.000120 credits were charged');
    expect(Object.values(statuses(explained.stages))).toEqual(Array(STAGES.length).fill('passed'));
  });

  it('says what is owed when a wallet could not pay, and when a process died', async () => {
    const accountId = await world.account(100n);
    const [short, dead] = [world.freezeRequest(accountId, 60n), world.freezeRequest(accountId, 40n)];
    await world.wallets.freeze(short);
    await world.wallets.freeze(dead);
    await world.wallets.capture(accountId, short.id, world.outcome(45));
    await world.settlement.settlePending();
    await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [newId(), dead.id]);
    await world.sql.query(`select billing_expire_dead(10, '0')`);
    const owed = await world.explanations.explain(short.id);
    expect(owed.verdict).toContain('0.000060 credits were charged; 0.000030 more could not be taken');
    expect(owed.next_step).toContain('Top the standard wallet up');
    const expired = await world.explanations.explain(dead.id);
    expect(expired.verdict).toContain('the freeze expired and nothing was charged');
    expect(statuses(expired.stages)).toMatchObject({
      freeze: 'passed',
      provider: 'failed',
      capture: 'failed',
      settle: 'failed',
    });
  });

  it('shows a settlement that keeps failing, with its reason', async () => {
    const { accountId, id } = await frozen();
    await world.wallets.capture(accountId, id, world.outcome(5, { creditsUsedMicros: '7' }));
    await world.settlement.settlePending();
    const explained = await world.explanations.explain(id);
    expect(explained.verdict).toContain('failed 1 times');
    expect(explained.verdict).toContain('price drift: 7 was captured, 10 was calculated');
    await world.settlement.release(accountId, id);
  });

  it('gives the newest of the requests that share a client id, and their number', async () => {
    const shared = { clientRequestId: 'shared', apiKeyId: newId() };
    const ids = [newRequestId(), newRequestId(), newRequestId()];
    const last: StageRecord = { stage: 'route', status: 'refused', ms: 1 };
    for (const id of ids) await recorded(traceOf(id, last, shared));
    expect(await world.explanations.explain('shared')).toMatchObject({
      request_id: [...ids].sort().at(-1),
      matches: 3,
    });
  });

  it('lets the gateway id win over a client id of the same text', async () => {
    const [id, impostor] = [newRequestId(), newRequestId()];
    const last: StageRecord = { stage: 'route', status: 'refused', ms: 1 };
    await recorded(traceOf(id, last));
    await recorded(traceOf(impostor, last, { clientRequestId: id }));
    expect(await world.explanations.explain(id)).toMatchObject({ request_id: id, matches: 1 });
  });

  it('shows a caller its own requests without the inside of providers, and of others only a 404', async () => {
    const { accountId, id } = await frozen();
    const attempts = [
      {
        endpointId: newId(),
        provider: 'first',
        upstreamModel: 'up-1',
        status: 500,
        durationMs: 3,
        failure: 'endpoint_fault' as const,
        reason: 'http_500',
      },
      {
        endpointId: newId(),
        provider: 'acme',
        upstreamModel: 'up-2',
        status: 200,
        durationMs: 3,
        failure: null,
        reason: null,
      },
    ];
    await world.wallets.capture(accountId, id, world.outcome(60, { attempts }));
    await world.settlement.settlePending();
    const own = await world.explanations.explain(id, { apiKeyId: accountId });
    expect(stage(own.stages, 'provider')).toMatchObject({ attempts: 2, provider: 'acme' });
    const text = JSON.stringify(own);
    for (const inside of ['up-1', 'http_500', 'endpointId', 'provider_cost_usd']) expect(text).not.toContain(inside);
    const byLabel = await world.explanations.explain(`client-of-${accountId}`, { apiKeyId: accountId });
    expect(byLabel.request_id).toBe(id);
    for (const wanted of [id, `client-of-${accountId}`, newRequestId()]) {
      await expect(world.explanations.explain(wanted, { apiKeyId: newId() })).rejects.toMatchObject({
        kind: 'not_found',
      });
    }
  });

  it('writes traces in bulk, whatever text they hold', async () => {
    const last: StageRecord = { stage: 'read_body', status: 'refused', ms: 1, message: 'odd \u0000 \ud800 text' };
    const ids = Array.from({ length: 3_000 }, () => newRequestId());
    // Of more refusals without a key a minute only a sample is kept; those of keys of their own are.
    for (const id of ids) world.traces.record(traceOf(id, last, { apiKeyId: newId() }));
    await world.traces.flush();
    const [row] = await world.sql.query<{ count: string }[]>(
      'select count(*) from request_trace where request_id = any($1)',
      [ids],
    );
    expect(row?.count).toBe('3000');
  });

  it('finds each of thousands of served requests again, whenever it was received and whatever text it holds', async () => {
    const last: StageRecord = { stage: 'capture', status: 'passed', ms: 1, message: 'odd \u0000 \ud800 "text"\n gwr_' };
    const nowMs = Date.now();
    const ids = Array.from({ length: 3_000 }, (_, at) => newRequestId(nowMs - (at % 7) * 900));
    for (const id of ids)
      world.traces.record({ ...traceOf(id, last, {}), status: 200, clientRequestId: `label of ${id}` });
    await world.traces.flush();
    for (const id of [ids[0], ids[1_700], ids[2_999]]) {
      const trace = await world.traces.findById(id ?? '');
      expect(trace).toMatchObject({ requestId: id, clientRequestId: `label of ${id ?? ''}` });
      expect(trace?.stages.at(-1)).toEqual(last);
    }
    await expect(world.traces.findById(newRequestId(nowMs))).resolves.toBeNull();
    const [row] = await world.sql.query<{ rows: string; bytes: string }[]>(
      'select count(*) as rows, sum(length(lines)) as bytes from trace_pack where received_s between $1 and $2',
      [Math.floor(nowMs / 1000) - 6, Math.floor(nowMs / 1000)],
    );
    expect(Number(row?.rows)).toBeLessThan(30);
    expect(Number(row?.bytes)).toBeLessThan(3_000 * 300);
  });

  it('keeps traces that could not be written, and writes them when that is possible again', async () => {
    const last: StageRecord = { stage: 'capture', status: 'passed', ms: 1 };
    const [served, refused, later] = [newRequestId(), newRequestId(), newRequestId()];
    await world.sql.query('alter table trace_pack rename to trace_pack_away');
    await world.sql.query('alter table request_trace rename to request_trace_away');
    world.traces.record({ ...traceOf(served, last), status: 200 });
    world.traces.record(traceOf(refused, last, { apiKeyId: newId() }));
    await expect(world.traces.flush()).rejects.toThrow();
    world.traces.record({ ...traceOf(later, last), status: 200 });
    await world.sql.query('alter table trace_pack_away rename to trace_pack');
    await world.sql.query('alter table request_trace_away rename to request_trace');
    await world.traces.flush();
    for (const id of [served, refused, later]) {
      await expect(world.traces.findById(id)).resolves.toMatchObject({ requestId: id });
    }
  });
});
