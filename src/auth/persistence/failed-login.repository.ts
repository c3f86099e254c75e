import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

/** Refusals of one client address. */
export interface AddressFailures {
  address: string;
  count: number;
}

/** What all processes together have counted, and for how long. */
export interface SharedFailures extends AddressFailures {
  ageMs: number;
}

/**
 * `$1` addresses in order, so that two processes lock the same rows in the same order; `$2` what to add; `$3` length of the
 * window. Time is the database's.
 */
const ADD = `insert into failed_login as f (address, since, failures)
    select a, now(), least(n, 1000000) from unnest($1::text[], $2::bigint[]) as r (a, n)
  on conflict (address) do update set
    failures = case when f.since <= now() - $3 * interval '1 millisecond' then excluded.failures
      else least(f.failures + excluded.failures, 1000000) end,
    since = case when f.since <= now() - $3 * interval '1 millisecond' then now() else f.since end
  returning address, failures, extract(epoch from now() - since) * 1000 as age_ms`;
const FORGET = `delete from failed_login where address in (
  select address from failed_login where since <= now() - $1 * interval '1 millisecond' limit $2 for update skip locked)`;

/** Counts of refused credentials that all processes share. */
@Injectable()
export class FailedLoginRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Adds what one process has counted. @returns the totals of these addresses in their current window. */
  async add(counted: readonly AddressFailures[], windowMs: number): Promise<SharedFailures[]> {
    const sorted = [...counted].sort((left, right) => (left.address < right.address ? -1 : 1));
    const rows = await this.dataSource.query<{ address: string; failures: number; age_ms: string }[]>(ADD, [
      sorted.map(({ address }) => address),
      sorted.map(({ count }) => count),
      windowMs,
    ]);
    return rows.map((row) => ({ address: row.address, count: row.failures, ageMs: Number(row.age_ms) }));
  }

  /** Removes rows whose window is over, as many as given at most. */
  async forget(windowMs: number, rowsMax: number): Promise<void> {
    await this.dataSource.query(FORGET, [windowMs, rowsMax]);
  }
}
