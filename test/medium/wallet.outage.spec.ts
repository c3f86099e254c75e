import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { CONFIG } from '../../src/platform/config/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { LOGGER, type Logger } from '../../src/platform/logging/index.js';
import { LeaseKeeper } from '../../src/wallet/persistence/lease-keeper.js';
import { LeaseRepository } from '../../src/wallet/persistence/lease.repository.js';
import { ProcessLease } from '../../src/wallet/process-lease.js';
import { adminDatabaseUrl } from '../support/database.js';
import { MoneyWorld } from '../support/money-world.js';
import { pollUntil, promised } from '../support/poll.js';

/** The database seen by its operator: cuts connections, closes and opens the door. */
class DatabaseOperator {
  private constructor(
    private readonly client: Client,
    private readonly name: string,
  ) {}

  static async of(world: MoneyWorld): Promise<DatabaseOperator> {
    const client = new Client({ connectionString: adminDatabaseUrl() });
    await client.connect();
    return new DatabaseOperator(client, new URL(world.database.url).pathname.slice(1));
  }

  async cut(label = '%'): Promise<void> {
    await this.client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name like $2',
      [this.name, label],
    );
  }
  async close(): Promise<void> {
    await this.client.query(`alter database ${this.name} allow_connections false`);
    await this.cut();
  }
  async open(): Promise<void> {
    await this.client.query(`alter database ${this.name} allow_connections true`);
  }
  async end(): Promise<void> {
    await this.client.end();
  }
}

describe('a database that goes away', () => {
  let world: MoneyWorld;
  let operator: DatabaseOperator;
  beforeAll(async () => {
    world = await MoneyWorld.start({ workers: true, settings: { CAPTURE_RETRY_MS: '2000' } });
    operator = await DatabaseOperator.of(world);
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
    await operator.end();
  });

  /** Freezes of the account that count, once those of unknown fate have expired. */
  async function heldCount(accountId: string): Promise<number> {
    const [row] = await world.sql.query<{ count: string }[]>(
      `select count(*) from wallet_freeze where account_id = $1 and state = 'held'`,
      [accountId],
    );
    return Number(row?.count);
  }

  it('leaves no freeze that its caller does not know of, whenever a connection is cut', async () => {
    const accountId = await world.account(1_000_000n);
    const cutter = (async () => {
      for (let round = 0; round < 25; round++) {
        await operator.cut('joytoken-gateway freeze%');
        await sleep(15);
      }
    })();
    const results = await Promise.allSettled(
      Array.from({ length: 400 }, async (_, at) => {
        await sleep(at);
        return world.wallets.freeze(world.freezeRequest(accountId, 10n));
      }),
    );
    await cutter;
    await pollUntil(async () => {
      const afterwards = world.wallets.freeze(world.freezeRequest(accountId, 10n));
      results.push(...(await Promise.allSettled([afterwards])));
      return results.at(-1)?.status === 'fulfilled' ? true : null;
    }, 'a freeze after the last cut');
    const known = results.filter((result) => result.status === 'fulfilled' && result.value.ok).length;
    for (const result of results)
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ kind: 'unavailable' });
    await pollUntil(async () => ((await heldCount(accountId)) === known ? true : null), 'only known freezes');
  });

  it('makes an outcome durable through a cut connection', async () => {
    const accountId = await world.account(1_000_000n);
    const requests = Array.from({ length: 100 }, () => world.freezeRequest(accountId, 10n));
    await Promise.all(requests.map((request) => world.wallets.freeze(request)));
    const cutter = (async () => {
      for (let round = 0; round < 5; round++) {
        await operator.cut('joytoken-gateway capture%');
        await sleep(20);
      }
    })();
    const results = await Promise.all(
      requests.map(async ({ id }, at) => {
        await sleep(at);
        return world.wallets.capture(accountId, id, world.outcome(2));
      }),
    );
    await cutter;
    for (const result of results) expect(['captured', 'duplicate']).toContain(result);
    await pollUntil(async () => ((await world.balance(accountId)).frozen === 0n ? true : null), 'settlement');
    expect(await world.balance(accountId)).toEqual({ available: 999_600n, frozen: 0n });
  });

  it('gives an outcome up after two seconds, and lets the freeze expire when the database is back', async () => {
    const accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 100n);
    await world.wallets.freeze(request);
    await operator.close();
    const startedMs = performance.now();
    try {
      await expect(world.wallets.capture(accountId, request.id, world.outcome(5))).rejects.toMatchObject({
        kind: 'unavailable',
      });
      await expect(world.wallets.freeze(world.freezeRequest(accountId, 1n))).rejects.toMatchObject({
        kind: 'unavailable',
      });
      expect(performance.now() - startedMs).toBeLessThan(promised(5_000));
    } finally {
      await operator.open();
    }
    await pollUntil(
      async () => ((await world.usage.find(request.id).catch(() => null))?.status === 'expired' ? true : null),
      'the freeze to expire',
    );
    expect(await world.balance(accountId)).toEqual({ available: 1_000n, frozen: 0n });
    expect(await world.wallets.freeze(world.freezeRequest(accountId, 1n))).toMatchObject({ ok: true });
  });

  it('never charges for an outcome that it has given up, when a lock held it up', async () => {
    const accountId = await world.account(1_000n);
    const requests = [world.freezeRequest(accountId, 100n), world.freezeRequest(accountId, 100n)];
    for (const request of requests) await world.wallets.freeze(request);
    const holder = new Client({ connectionString: world.database.url });
    await holder.connect();
    await holder.query('begin');
    await holder.query('select from wallet_freeze where account_id = $1 for update', [accountId]);
    const captures = requests.map(({ id }) => world.wallets.capture(accountId, id, world.outcome(5)));
    for (const result of await Promise.allSettled(captures)) {
      expect(result).toMatchObject({ reason: { kind: 'unavailable' } });
    }
    await holder.query('rollback');
    await holder.end();
    for (const { id } of requests) {
      const ended = async () => {
        const status = (await world.usage.find(id))?.status ?? 'pending';
        return status === 'pending' ? null : status;
      };
      expect(await pollUntil(ended, 'the freeze to end')).toBe('expired');
    }
    expect(await world.balance(accountId)).toEqual({ available: 1_000n, frozen: 0n });
  });

  it('lets a process start that reaches the database a moment late', async () => {
    const logger = world.app.get<Logger>(LOGGER);
    const keeper = new LeaseKeeper(world.app.get(CONFIG), logger);
    const lease = new ProcessLease(world.app.get(LeaseRepository, { strict: false }), keeper, logger);
    await operator.close();
    try {
      const started = lease.onModuleInit();
      const accountId = newId();
      await expect(world.wallets.freeze(world.freezeRequest(accountId, 1n))).rejects.toMatchObject({
        kind: 'unavailable',
      });
      await operator.open();
      await started;
    } finally {
      await operator.open();
    }
    const living = await world.sql.query<object[]>('select from process_lease where process_id = $1', [
      lease.processId,
    ]);
    expect(living).toHaveLength(1);
    await lease.onApplicationShutdown();
  });

  it('settles by itself after the database is back', async () => {
    const accountId = await world.account(1_000n);
    const request = world.freezeRequest(accountId, 100n);
    await world.wallets.freeze(request);
    await world.wallets.capture(accountId, request.id, world.outcome(5));
    await operator.cut();
    await pollUntil(
      async () => ((await world.usage.find(request.id).catch(() => null))?.status === 'settled' ? true : null),
      'settlement after the cut',
    );
    await world.wallets.freeze(world.freezeRequest(accountId, 1n));
    const next = world.freezeRequest(accountId, 100n);
    await world.wallets.freeze(next);
    await world.wallets.capture(accountId, next.id, world.outcome(5));
    world.settlementQueue.notify();
    await pollUntil(
      async () => ((await world.usage.find(next.id))?.status === 'settled' ? true : null),
      'the jobs to run again',
    );
  });
});
