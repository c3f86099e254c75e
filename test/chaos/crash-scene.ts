import { Client, Pool } from 'pg';
import { auditLedger, rowsOf } from '../support/audit.js';
import type { UsageView } from '../support/admin.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { GatewayProcess } from '../support/gateway.js';
import { pollUntil, promised } from '../support/poll.js';
import { World } from '../support/world.js';

/** A freeze is released within 30 s of its owner's death; the sweeper then needs a moment. */
export const TIME_TO_LIVE_MS = 32_000;
/** Outcomes left by a crash are settled within five seconds of the next readiness. */
export const SETTLED_WITHIN_MS = 5_000;

/** What the rows say of one freeze. */
export interface FreezeRow {
  id: string;
  state: string;
  amount: string;
  extensions: number;
  /** Of its usage record; `null` while there is none. */
  status: string | null;
  credits_used: string | null;
  credits_charged: string | null;
  shortfall: string | null;
}

/** A lock that a test holds on a row: whatever needs the row stops there, in the middle of what it does. */
export interface RowLock {
  release(): Promise<void>;
}

const FREEZES = `select f.id, f.state, f.amount, f.extensions, u.status, u.credits_used, u.credits_charged, u.shortfall
  from wallet_freeze f left join usage_record u on u.request_id = f.id where f.account_id = $1 order by f.id`;

/**
 * A gateway without workers, workers on demand, and a hand on the database: a process is stopped at an exact statement by
 * holding the row that the statement needs, and is killed there.
 */
export class CrashScene {
  private readonly locks = new Set<Client>();
  private workers: GatewayProcess[] = [];

  private constructor(
    readonly world: World,
    readonly sql: Pool,
  ) {}

  static async create(env: Record<string, string> = {}, given?: TestDatabase): Promise<CrashScene> {
    const database = given ?? (await createTestDatabase());
    const world = await World.create({ WORKERS_ENABLED: 'false', ...env }, { database });
    const sql = new Pool({ connectionString: database.url, max: 2 });
    // A test that kills Postgres breaks these connections, too.
    sql.on('error', () => undefined);
    return new CrashScene(world, sql);
  }

  async destroy(): Promise<void> {
    await this.reset();
    await this.sql.end();
    await this.world.destroy();
  }

  /** Ends the workers and gives up the locks: what the next test starts from. */
  async reset(): Promise<void> {
    for (const client of this.locks) await client.end();
    this.locks.clear();
    await Promise.all(this.workers.map((worker) => worker.stop('SIGKILL')));
    this.workers = [];
  }

  async startWorker(env: Record<string, string> = {}): Promise<GatewayProcess> {
    const worker = await GatewayProcess.start({ databaseUrl: this.world.database.url, entry: 'worker', env });
    this.workers.push(worker);
    const isStarted = (): Promise<true | null> => Promise.resolve(worker.printed().includes('worker started') || null);
    await pollUntil(isStarted, 'the worker to start');
    return worker;
  }

  /** Kills the gateway where it is. */
  async killGateway(): Promise<void> {
    await this.world.gateway.stop('SIGKILL');
  }

  /** Holds the rows of a query ending in `for update`. */
  async hold(sql: string, values: readonly unknown[]): Promise<RowLock> {
    const client = new Client({ connectionString: this.world.database.url });
    await client.connect();
    await client.query('begin');
    const { rowCount } = await client.query(sql, [...values]);
    if (rowCount === 0) throw new Error(`nothing to hold: ${sql}`);
    this.locks.add(client);
    return {
      release: async () => {
        this.locks.delete(client);
        await client.end();
      },
    };
  }

  holdWallet(accountId: string): Promise<RowLock> {
    return this.hold('select from wallet where account_id = $1 for update', [accountId]);
  }

  holdFreeze(id: string): Promise<RowLock> {
    return this.hold('select from wallet_freeze where id = $1 for update', [id]);
  }

  /** Waits until a statement with this text, or of an application of this name, stands before a held row. @returns the process id of its backend. */
  blocked(statement: string): Promise<number> {
    const find = async (): Promise<number | null> => {
      const { rows } = await this.sql.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
          and position($1 in application_name || ' ' || query) > 0`,
        [statement],
      );
      return rows[0]?.pid ?? null;
    };
    return pollUntil(find, `${statement} to wait for a row`);
  }

  /** Undoes what a backend was doing: its statement never took effect. */
  async terminate(backendPid: number): Promise<void> {
    await this.sql.query('select pg_terminate_backend($1)', [backendPid]);
    await this.gone(backendPid);
  }

  /** Waits until a backend has found out that its client is dead, and has ended. */
  async gone(backendPid: number): Promise<void> {
    const check = 'select 1 from pg_stat_activity where pid = $1';
    const isGone = async (): Promise<true | null> =>
      (await this.sql.query(check, [backendPid])).rowCount === 0 ? true : null;
    await pollUntil(isGone, `backend ${backendPid.toString()} to end`);
  }

  async freezes(accountId: string): Promise<FreezeRow[]> {
    return (await this.sql.query<FreezeRow>(FREEZES, [accountId])).rows;
  }

  /** Waits for the only freeze of an account to be in a state. */
  freezeIn(accountId: string, state: string, timeoutMs?: number): Promise<FreezeRow> {
    const found = async (): Promise<FreezeRow | null> => {
      const [only, ...others] = await this.freezes(accountId);
      if (others.length > 0) throw new Error('more than one freeze');
      return only?.state === state ? only : null;
    };
    return pollUntil(found, `a ${state} freeze`, timeoutMs);
  }

  /** Available and frozen micro-credits of the standard wallet. */
  async balance(accountId: string): Promise<{ available: string; frozen: string }> {
    const { rows } = await this.sql.query<{ available: string; frozen: string }>(
      `select available, frozen from wallet where account_id = $1 and tier = 'standard'`,
      [accountId],
    );
    return rows[0] ?? { available: 'none', frozen: 'none' };
  }

  /** Differences in the books; none when they are right. */
  audit(): Promise<string[]> {
    return auditLedger(rowsOf(this.sql));
  }

  /** The record of a request, from a gateway that runs again. */
  usage(requestId: string): Promise<UsageView> {
    return this.world.admin.settled(requestId, promised(SETTLED_WITHIN_MS));
  }
}
