import { Client } from 'pg';
import type { TestDatabase } from './database.js';

const SETUP = `
  create schema shifted_clock;
  create table shifted_clock.setting (shift interval not null);
  insert into shifted_clock.setting values (interval '0');
  create function shifted_clock.now() returns timestamptz language sql stable
    as 'select pg_catalog.now() + (select shift from shifted_clock.setting)';`;

/**
 * Moves the clock of one database: `now()` of every statement that is planned there finds this schema's function before the
 * server's own. Only defaults of columns keep the real time.
 */
export class ShiftedClock {
  private constructor(private readonly client: Client) {}

  /** Call before anything else connects: the search path is that of new sessions. */
  static async on(database: TestDatabase): Promise<ShiftedClock> {
    const client = new Client({ connectionString: database.url });
    await client.connect();
    await client.query(SETUP);
    const name = new URL(database.url).pathname.slice(1);
    await client.query(`alter database ${name} set search_path = public, shifted_clock, pg_catalog`);
    return new ShiftedClock(client);
  }

  /** Sets the clock; it goes on from there. @param time as Postgres reads it, with its zone. */
  async set(time: string): Promise<void> {
    await this.client.query('update shifted_clock.setting set shift = $1::timestamptz - pg_catalog.clock_timestamp()', [
      time,
    ]);
  }

  async close(): Promise<void> {
    await this.client.end();
  }
}
