import type { DifferenceKind, VerifyReport } from '../../src/reconciliation/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

/** What a superuser can do: triggers and foreign keys are off for the statement. */
async function tamper(world: MoneyWorld, sql: string, parameters: unknown[] = []): Promise<void> {
  await world.sql.transaction(async (transaction) => {
    await transaction.query(`set local session_replication_role = replica`);
    await transaction.query(sql, parameters);
  });
}

describe('a discrepancy that somebody put into the books', () => {
  let world: MoneyWorld;
  /** An account with one settled request, and its gateway request id. */
  let accountId: string;
  let id: string;

  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    await world.stop();
  });

  beforeEach(async () => {
    accountId = await world.account(10_000n);
    id = await settledRequest(60);
    await settledRequest(10);
    expect(await verify()).toMatchObject({
      ok: true,
      wallets: 3,
      rows: 7,
      freezes: 2,
      usageRecords: 2,
      differenceCount: 0,
    });
  });

  async function settledRequest(outputTokens: number): Promise<string> {
    const request = world.freezeRequest(accountId, 300n);
    expect(await world.wallets.freeze(request)).toMatchObject({ ok: true });
    await world.wallets.capture(accountId, request.id, world.outcome(outputTokens));
    await world.settlement.settlePending();
    return request.id;
  }

  const verify = (): Promise<VerifyReport> => world.verifier.verify({ accountId });

  /** Verifies, expects that the difference is found and named, and that nothing else is wrong but `alongside`. */
  async function expectFound(
    kind: DifferenceKind,
    named: Partial<VerifyReport['differences'][number]>,
    alongside: DifferenceKind[] = [],
  ): Promise<void> {
    const report = await verify();
    expect(report.ok).toBe(false);
    expect(report.differences).toContainEqual(expect.objectContaining({ kind, accountId, ...named }));
    expect(Object.keys(report.countByKind).sort()).toEqual([kind, ...alongside].sort());
  }

  it('is found when a usage record is lost', async () => {
    await tamper(world, 'delete from usage_record where request_id = $1', [id]);
    await expectFound('usage_record_missing', { requestId: id, tier: 'standard' }, ['conservation', 'quota_window']);
  });

  it('is found when a usage record is doubled under another request id', async () => {
    const copy = `gwr_${'0'.repeat(12)}${newId().replaceAll('-', '').slice(0, 20)}`;
    await tamper(
      world,
      `insert into usage_record select (jsonb_populate_record(u, jsonb_build_object('request_id', $2::text))).*
        from usage_record u where request_id = $1`,
      [id, copy],
    );
    await expectFound('usage_record_without_freeze', { requestId: copy }, ['conservation', 'usage_charge']);
  });

  it('cannot be a second usage record of one request id, not even under another account', async () => {
    const other = await world.account(1n);
    const doubling = tamper(
      world,
      `insert into usage_record select (jsonb_populate_record(u, jsonb_build_object('account_id', $2::text))).*
        from usage_record u where request_id = $1`,
      [id, other],
    );
    await expect(doubling).rejects.toThrow(/usage_record_request/);
  });

  it('is found when tokens are in the wrong bucket', async () => {
    await tamper(
      world,
      'update usage_record set cached_input_tokens = output_tokens, output_tokens = 0 where request_id = $1',
      [id],
    );
    await expectFound('wrong_token_bucket', { requestId: id, subject: 'output_tokens', expected: '60', found: '0' });
    await expectFound('wrong_token_bucket', { subject: 'cached_input_tokens', expected: '0', found: '60' });
  });

  it('is found when the tokens of outcome and record were changed alike: the price does not fit them', async () => {
    await tamper(
      world,
      `update wallet_freeze set outcome = jsonb_set(outcome, '{usage,outputTokens}', '61') where id = $1`,
      [id],
    );
    await tamper(
      world,
      `update usage_record set output_tokens = 61, outcome = jsonb_set(outcome, '{usage,outputTokens}', '61')
        where request_id = $1`,
      [id],
    );
    await expectFound('wrong_price', { requestId: id, subject: 'credits_used', expected: '122', found: '120' });
  });

  it.each([
    ['model_key', `'cheap'`],
    ['client_request_id', `'other'`],
    ['stream', 'not stream'],
    ['created_at', `created_at - interval '40 days'`],
    ['frozen', 'frozen + 1'],
    ['corrections', '1'],
    ['usd_cost', 'usd_cost + 1'],
    ['provider', `'nobody'`],
    ['usage_source', `'estimated'`],
    ['provider_cost_usd', 'provider_cost_usd + 1'],
  ])('is found when %s of a usage record was changed, which no sum depends on', async (column, value) => {
    await tamper(world, `update usage_record set ${column} = ${value} where request_id = $1`, [id]);
    await expectFound('usage_record_differs', { requestId: id, subject: column });
  });

  describe('in the corrections', () => {
    beforeEach(async () => {
      for (const outputTokens of [50, 40]) {
        await world.corrections.correct({
          requestId: id,
          tokens: { outputTokens },
          reason: 'wrong',
          actor: 'ada',
          idempotencyKey: newId(),
        });
      }
      expect(await verify()).toMatchObject({ ok: true });
    });

    it('is found when one is lost', async () => {
      await tamper(world, 'delete from usage_correction where request_id = $1 and number = 1', [id]);
      await expectFound('correction_missing', { requestId: id, tier: 'standard', subject: 'correction 1' });
    });

    it.each([
      ['reason', `reason = 'other'`, 'reason'],
      ['the charge before', `before = before || '{"credits_charged": "1"}'`, 'credits_charged before'],
      ['the charge after', `after = after || '{"credits_charged": "1"}'`, 'credits_charged after'],
    ])('is found when %s of one was changed', async (_, change, what) => {
      await tamper(world, `update usage_correction set ${change} where request_id = $1 and number = 1`, [id]);
      await expectFound('correction_differs', { requestId: id, subject: `${what} of correction 1` });
    });

    it('is found when the record is not what the last one left', async () => {
      await tamper(world, 'update usage_record set provider_cost_usd = 77 where request_id = $1', [id]);
      await expectFound('correction_differs', { requestId: id, subject: 'record after of correction 2' });
    });
  });

  it('is found when a stale price version was used, and says which', async () => {
    const stale = newId();
    await world.sql.query(
      `insert into model_price (id, model_id, version, input_per_mtok, output_per_mtok, cache_read_per_mtok, cache_write_per_mtok)
        values ($1, $2, (select count(*) + 1 from model_price where model_id = $2), 5, $3, 5, 5)`,
      [stale, world.modelId, '3000000'],
    );
    const pinned = await versionOf(world.priceId);
    // Charged, recorded and booked under the other version, everywhere alike.
    await tamper(world, `update usage_record set credits_used = 180, credits_charged = 180 where request_id = $1`, [
      id,
    ]);
    await expectFound('stale_price_version', { requestId: id, expected: pinned, found: await versionOf(stale) }, [
      'conservation',
      'quota_window',
      'usage_charge',
      'usage_record_differs',
    ]);
    await tamper(
      world,
      'update usage_record set credits_used = 120, credits_charged = 120, price_id = $2 where request_id = $1',
      [id, stale],
    );
    await expectFound('stale_price_version', { subject: 'price_id', expected: world.priceId, found: stale });
  });

  const versionOf = async (priceId: string): Promise<string> => {
    const rows = await world.sql.query<{ version: number }[]>('select version from model_price where id = $1', [
      priceId,
    ]);
    return String(rows[0]?.version);
  };

  it('is found when a ledger row was edited, and names the row', async () => {
    await tamper(
      world,
      `update ledger_entry set available_delta = available_delta + 7, available_after = available_after + 7
        where account_id = $1 and tier = 'standard' and seq = 1`,
      [accountId],
    );
    await expectFound(
      'ledger_row_edited',
      { tier: 'standard', subject: 'seq 2 available_after', expected: '9707', found: '9700' },
      ['balance_without_row', 'conservation'],
    );
    await tamper(
      world,
      `update ledger_entry set available_after = available_after - 7 where account_id = $1 and seq = 1`,
      [accountId],
    );
    await expectFound('ledger_row_edited', { subject: 'seq 1 available_after', expected: '10007', found: '10000' }, [
      'balance_without_row',
      'conservation',
    ]);
  });

  it('is found when a ledger row was deleted, in the middle and at the end', async () => {
    await tamper(world, `delete from ledger_entry where account_id = $1 and tier = 'standard' and seq = 3`, [
      accountId,
    ]);
    await expectFound('ledger_row_missing', { tier: 'standard', subject: 'seq 3' }, [
      'balance_without_row',
      'freeze_without_end',
      'usage_charge',
    ]);
    await tamper(world, `delete from ledger_entry where account_id = $1 and tier = 'standard' and seq = 5`, [
      accountId,
    ]);
    await expectFound('ledger_row_missing', { tier: 'standard', subject: 'seq 5–5' }, [
      'balance_without_row',
      'freeze_without_end',
      'usage_charge',
    ]);
  });

  it('is found when two ledger rows have changed places', async () => {
    await tamper(
      world,
      `update ledger_entry set seq = case seq when 2 then 1003 when 3 then 1002 end
        where account_id = $1 and tier = 'standard' and seq in (2, 3)`,
      [accountId],
    );
    await tamper(world, 'update ledger_entry set seq = seq - 1000 where account_id = $1 and seq > 1000', [accountId]);
    await expectFound('ledger_row_reordered', { tier: 'standard', subject: 'seq 2 available_after', requestId: id });
  });

  it.each(['available', 'frozen'])('is found when the %s balance was changed without a row', async (column) => {
    await tamper(world, `update wallet set ${column} = ${column} + 5 where account_id = $1 and tier = 'economy'`, [
      accountId,
    ]);
    await expectFound('balance_without_row', { tier: 'economy', subject: column }, [
      'conservation',
      ...(column === 'frozen' ? (['frozen_total'] as const) : []),
    ]);
  });

  it('is found when a freeze has not ended although its process is gone', async () => {
    const request = world.freezeRequest(accountId, 300n);
    await world.wallets.freeze(request);
    expect(await verify()).toMatchObject({ ok: true, openFreezes: 1 });
    await tamper(world, `update process_lease set started_at = now() - interval '1 hour'`);
    await tamper(
      world,
      `update wallet_freeze set process_id = $2, created_at = now() - interval '1 hour' where id = $1`,
      [request.id, newId()],
    );
    await expectFound('freeze_without_end', { requestId: request.id, subject: 'state', expected: 'an end' });
  });

  it('is found when an outcome waits for ever', async () => {
    const request = world.freezeRequest(accountId, 300n);
    await world.wallets.freeze(request);
    await world.wallets.capture(accountId, request.id, world.outcome(5));
    expect(await verify()).toMatchObject({ ok: true, openFreezes: 1 });
    await tamper(world, `update process_lease set started_at = now() - interval '1 hour'`);
    await tamper(world, `update wallet_freeze set captured_at = now() - interval '1 hour' where id = $1`, [request.id]);
    await expectFound('outcome_not_settled', { requestId: request.id });
    await world.settlement.settlePending();
  });

  it('is found when a freeze was settled without an outcome', async () => {
    await tamper(world, 'alter table wallet_freeze drop constraint wallet_freeze_outcome_when_captured');
    await tamper(world, 'update wallet_freeze set outcome = null where id = $1', [id]);
    await expectFound('settlement_without_outcome', { requestId: id }, ['usage_record_differs']);
  });

  it('is found when a quota window is off', async () => {
    await tamper(world, 'update quota_day set used = used - 1 where account_id = $1', [accountId]);
    await expectFound('quota_window', { expected: '140', found: '139' });
  });
});
