import { EventLog, type EventKind, type StoredEvent } from '../../src/events/index.js';
import { micros } from '../../src/platform/money/index.js';
import { ReconciliationService } from '../../src/reconciliation/index.js';
import { LowBalanceService } from '../../src/wallet/index.js';
import { MoneyWorld } from '../support/money-world.js';

const NOT_ENDED = new AbortController().signal;
const SETTLE_ATTEMPTS = 10;

let world: MoneyWorld;
let accountId: string;

beforeAll(async () => {
  world = await MoneyWorld.start();
});
afterAll(() => world.stop());
beforeEach(async () => {
  accountId = await world.account(1_000n);
});

async function raised(kind: EventKind, ofAccount: string | undefined = accountId): Promise<StoredEvent[]> {
  return (await world.app.get(EventLog).list({ kind, accountId: ofAccount }, { limit: 50, cursor: null })).items;
}

describe('a low balance', () => {
  const low = (): LowBalanceService => world.app.get(LowBalanceService);
  const watch = (thresholdMicros: bigint | null): Promise<void> =>
    low().setThreshold(accountId, 'standard', thresholdMicros === null ? null : micros(thresholdMicros));
  const adjust = async (amountMicros: bigint): Promise<void> => {
    const idempotencyKey = `adjust ${Math.random().toString()}`;
    const change = {
      accountId,
      tier: 'standard' as const,
      amountMicros: micros(amountMicros),
      note: 'x',
      idempotencyKey,
    };
    await world.wallets.adjust(change);
  };
  const count = async (): Promise<number> => {
    await low().look();
    return (await raised('low_balance')).length;
  };

  it('is told of once when less is available than the threshold, and once more after there was enough again', async () => {
    await watch(500n);
    expect(await count()).toBe(0);
    await adjust(-500n);
    expect(await count()).toBe(0);
    await adjust(-1n);
    expect([await count(), await count()]).toEqual([1, 1]);
    await adjust(-10n);
    expect(await count()).toBe(1);
    await adjust(11n);
    expect(await count()).toBe(1);
    await adjust(-100n);
    expect(await count()).toBe(2);
    expect((await raised('low_balance'))[0]).toMatchObject({
      severity: 'warning',
      subjectId: `${accountId}/standard`,
      data: { tier: 'standard', available: '0.000400', threshold: '0.000500' },
    });
  });

  it('by a freeze counts, and its release is enough again', async () => {
    await watch(500n);
    const request = world.freezeRequest(accountId, 600n);
    await world.wallets.freeze(request);
    expect(await count()).toBe(1);
    await world.wallets.capture(accountId, request.id, world.outcome(1));
    await world.settlement.settlePending();
    expect(await count()).toBe(1);
    await adjust(-500n);
    expect(await count()).toBe(2);
  });

  it('follows a threshold that is changed, and ends with it', async () => {
    await watch(2_000n);
    expect(await count()).toBe(1);
    await watch(3_000n);
    expect(await count()).toBe(1);
    await watch(1_000n);
    expect(await count()).toBe(1);
    await watch(1_001n);
    expect(await count()).toBe(2);
    await watch(null);
    await adjust(-900n);
    expect(await count()).toBe(2);
  });

  it('of many wallets is told of once each by two workers that look at once, again and again', async () => {
    const second = await MoneyWorld.start({ database: world.database });
    const accounts = await Promise.all(Array.from({ length: 30 }, () => world.account(10n)));
    await Promise.all(accounts.map((id) => low().setThreshold(id, 'economy', micros(100n))));
    const lookers = [low(), second.app.get(LowBalanceService)];
    await Promise.all([1, 2, 3, 4].flatMap(() => lookers.map((looker) => looker.look())));
    await second.stop();
    const events = (await Promise.all(accounts.map((id) => raised('low_balance', id)))).map(({ length }) => length);
    expect(events).toEqual(accounts.map(() => 1));
  });

  it('whose event cannot be written is told of by the next look', async () => {
    await watch(2_000n);
    await world.sql.query('alter table event add constraint planted check (false) not valid');
    await expect(low().look()).rejects.toThrow('planted');
    await world.sql.query('alter table event drop constraint planted');
    expect(await count()).toBe(1);
  });
});

it('an outcome that cannot be settled is told of once, when it is given up', async () => {
  const request = world.freezeRequest(accountId, 300n);
  await world.wallets.freeze(request);
  await world.wallets.capture(accountId, request.id, world.outcome(60, { creditsUsedMicros: '7' }));
  for (let attempt = 1; attempt <= SETTLE_ATTEMPTS + 2; attempt++) {
    expect(await raised('settlement_failed')).toHaveLength(attempt <= SETTLE_ATTEMPTS ? 0 : 1);
    await world.sql.query('update wallet_freeze set retry_at = null where id = $1', [request.id]);
    await world.settlement.settlePending();
  }
  const [event, ...more] = await raised('settlement_failed');
  expect(more).toEqual([]);
  expect(event).toMatchObject({
    severity: 'critical',
    subjectType: 'request',
    subjectId: request.id,
    data: {
      tier: 'standard',
      released: '0.000300',
      attempts: 10,
      error: expect.stringContaining('price drift') as string,
    },
  });
});

it('drift is told of when it is found, not with every comparison, and anew when it comes back', async () => {
  const service = world.app.get(ReconciliationService);
  const compare = async (): Promise<number> => {
    await service.runWhenDue(0, NOT_ENDED);
    return (await raised('drift_found', undefined)).length;
  };
  const setBalance = (available: bigint): Promise<unknown> =>
    world.sql.query(`update wallet set available = $2 where account_id = $1 and tier = 'premium'`, [
      accountId,
      available.toString(),
    ]);
  expect(await compare()).toBe(0);
  await setBalance(7n);
  expect([await compare(), await compare()]).toEqual([1, 1]);
  await setBalance(8n);
  expect(await compare()).toBe(1);
  expect((await raised('drift_found'))[0]).toMatchObject({
    severity: 'critical',
    accountId,
    data: { new_counts: { balance_without_row: 1, conservation: 1 } },
  });
  await setBalance(1_000n);
  expect(await compare()).toBe(1);
  await setBalance(7n);
  expect(await compare()).toBe(2);
  await setBalance(1_000n);
});
