import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { BookSnapshot } from './book-snapshot.js';

/** One account of extraordinary size may take this long; every statement of an ordinary range takes about a second. */
const STATEMENT_TIMEOUT_MS = 30 * 60_000;

/**
 * Joins of whole ranges: nested loops are the plan of stale statistics. One statement keeps to one core and a bounded
 * memory, because the callers of a living system come first.
 */
const SETTINGS = `set local statement_timeout = ${STATEMENT_TIMEOUT_MS.toString()}; set local work_mem = '32MB';
  set local enable_nestloop = off; set local jit = off; set local max_parallel_workers_per_gather = 0;
  set local timezone = 'UTC'`;

/** The tables of wallet and billing, to be read and never written. */
@Injectable()
export class Book {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Runs `work` on the books as they are at one moment, whatever is written meanwhile. */
  async atOneMoment<T>(work: (snapshot: BookSnapshot) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    await runner.connect();
    try {
      await runner.query('start transaction isolation level repeatable read, read only');
      await runner.query(SETTINGS);
      return await work(new BookSnapshot(runner));
    } finally {
      // Nothing was written. On a broken connection there is nothing to end either.
      await runner.query('rollback').catch(() => undefined);
      await runner.release();
    }
  }
}
