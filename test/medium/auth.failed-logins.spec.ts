import { Client } from 'pg';
import type { FailedLogins } from '../../src/auth/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';
import { AuthProcess } from './auth.process.js';

const FREE = 100;
const MINUTE_MS = 60_000;

/** Guesses are slowed by what all processes have seen of an address. */
describe('refused credentials in several processes', () => {
  let database: TestDatabase;
  let sql: Client;
  let processes: [AuthProcess, AuthProcess];

  beforeAll(async () => {
    database = await createTestDatabase();
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    const start = (): Promise<AuthProcess> =>
      AuthProcess.start(database.url, { AUTH_FAILURES_PER_MINUTE: FREE.toString() });
    processes = [await start(), await start()];
  });
  afterAll(async () => {
    await Promise.all(processes.map((one) => one.stop()));
    await sql.end();
    await database.drop();
  });

  const guess = ({ failures }: { failures: FailedLogins }, address: string, times: number): number[] =>
    Array.from({ length: times }, () => failures.count(address));
  const total = async (address: string): Promise<number> => {
    const { rows } = await sql.query<{ failures: number }>('select failures from failed_login where address = $1', [
      address,
    ]);
    return rows[0]?.failures ?? 0;
  };
  const told = (address: string, count: number): Promise<number> =>
    pollUntil(async () => ((await total(address)) === count ? count : null), `${count.toString()} of ${address}`);

  it('slow an address that spreads its guesses, although no process alone has seen too many', async () => {
    const [one, other] = processes;
    expect(new Set([...guess(one, 'spread', 60), ...guess(other, 'spread', 60)])).toEqual(new Set([0]));
    await told('spread', 120);
    // A process learns of the others when it has something to tell itself.
    guess(one, 'spread', 1);
    await told('spread', 121);
    let more = 0;
    await pollUntil(
      () => Promise.resolve((more += 1) > 30 || one.failures.count('spread') > 0 ? true : null),
      'slowed',
    );
    // By its own count alone it would be later.
    expect(more).toBeLessThan(30);
    expect(guess(one, 'quiet', 1)).toEqual([0]);
  });

  it('begin anew after a minute of the database, in every process', async () => {
    const [one, other] = processes;
    guess(one, 'old', FREE + 5);
    await told('old', FREE + 5);
    await sql.query(`update failed_login set since = since - interval '61 seconds' where address = 'old'`);
    guess(other, 'old', 2);
    await told('old', 2);
    one.clock.aheadMs += MINUTE_MS;
    expect(guess(one, 'old', 1)).toEqual([0]);
  });

  it('are counted by each process alone while the database refuses, and together afterwards', async () => {
    const [one, other] = processes;
    await sql.query('alter table failed_login rename to failed_login_away');
    guess(one, 'outage', FREE - 1);
    guess(other, 'outage', FREE + 1);
    expect(guess(other, 'outage', 1)[0]).toBeGreaterThan(0);
    await sql.query('alter table failed_login_away rename to failed_login');
    await told('outage', 2 * FREE + 1);
  });
});
