import { MoneyWorld } from '../support/money-world.js';
import { pollUntil } from '../support/poll.js';

/** A record of a request, as another one has it. */
const RECORD_TWICE = `insert into usage_record
  select (jsonb_populate_record(u, jsonb_build_object('account_id', $1::text, 'request_id', $2::text))).* from usage_record u limit 1`;
const WAITS = `select 1 from pg_locks where locktype = 'transactionid' and not granted`;

describe('what a settlement locks', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(() => world.stop());

  async function captured(accountId: string): Promise<string> {
    const request = world.freezeRequest(accountId, 300n);
    expect(await world.wallets.freeze(request)).toMatchObject({ ok: true });
    await world.wallets.capture(accountId, request.id, world.outcome(60));
    return request.id;
  }

  it('is no wallet while usage is recorded: others freeze on it meanwhile', async () => {
    const accountId = await world.account(1_000n);
    await captured(accountId);
    expect(await world.settlement.settlePending()).toBe(1);
    const id = await captured(accountId);
    const other = world.sql.createQueryRunner();
    try {
      await other.startTransaction();
      await other.query(RECORD_TWICE, [accountId, id]);
      const settled = world.settlement.settlePending();
      await pollUntil(async () => ((await world.sql.query<object[]>(WAITS)).length > 0 ? true : null), 'it to wait');
      expect(await world.wallets.freeze(world.freezeRequest(accountId, 10n))).toMatchObject({ ok: true });
      await other.rollbackTransaction();
      expect(await settled).toBe(1);
    } finally {
      await other.release();
    }
    expect(await world.balance(accountId)).toEqual({ available: 750n, frozen: 10n });
    expect(await world.audit()).toEqual([]);
  });
});
