import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource, EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';

/** Processes that start together seed one after the other. The number is arbitrary and belongs to this program. */
const SEED_LOCK = 7_052_026_003;

/** What a seed leaves behind, by name. */
export interface SeedNotes {
  find: (name: string) => Promise<unknown>;
  put: (name: string, value: object) => Promise<void>;
}

/** Marks what has been seeded, in `gateway_setting`. */
@Injectable()
export class SeedNotesRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * Runs `work` while no other process seeds this database. Notes are kept when it succeeds; when it fails or the process dies
   * they are not, and the next start does the work again.
   */
  async exclusively<T>(work: (notes: SeedNotes) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, async (manager) => {
      await manager.query('select pg_advisory_xact_lock($1)', [SEED_LOCK]);
      return work({ find: (name) => find(manager, name), put: (name, value) => put(manager, name, value) });
    });
  }
}

async function find(manager: EntityManager, name: string): Promise<unknown> {
  const rows: { value: unknown }[] = await manager.query('select value from gateway_setting where name = $1', [name]);
  return rows[0]?.value ?? null;
}

async function put(manager: EntityManager, name: string, value: object): Promise<void> {
  await manager.query('insert into gateway_setting (name, value) values ($1, $2)', [name, JSON.stringify(value)]);
}
