import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, type ObjectLiteral, type QueryRunner, type SelectQueryBuilder } from 'typeorm';

interface Unit {
  /** `null` once the transaction is about to end: work that was left running then uses the pool like any other. */
  manager: EntityManager | null;
}

const units = new AsyncLocalStorage<Unit>();

const LOCK = 'select pg_advisory_xact_lock(hashtextextended($1, 0))';

/**
 * Makes everything that asks this data source inside `UnitOfWork.run` join its one transaction, whichever repository it
 * is; transactions that are opened there become savepoints. Outside nothing changes. Dedicated connections do not join.
 */
export function joiningUnitsOfWork(dataSource: DataSource): DataSource {
  const plain = dataSource.manager;
  const query = dataSource.query.bind(dataSource);
  const build = dataSource.createQueryBuilder.bind(dataSource) as (
    ...args: unknown[]
  ) => SelectQueryBuilder<ObjectLiteral>;
  Object.defineProperty(dataSource, 'manager', { get: () => units.getStore()?.manager ?? plain });
  dataSource.query = (text, values, runner) => query(text, values, runner ?? currentRunner());
  dataSource.createQueryBuilder = ((entity?: unknown, alias?: string, runner?: QueryRunner) =>
    alias === undefined
      ? build(entity ?? currentRunner())
      : build(entity, alias, runner ?? currentRunner())) as DataSource['createQueryBuilder'];
  return dataSource;
}

function currentRunner(): QueryRunner | undefined {
  return units.getStore()?.manager?.queryRunner;
}

/** One transaction around calls of several modules that know nothing of each other. */
@Injectable()
export class UnitOfWork {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs `work` in one transaction and commits when it has ended well.
   * @param lockName units with the same name run one after the other, in all processes; `null` for no lock.
   */
  async run<T>(lockName: string | null, work: () => Promise<T>): Promise<T> {
    return this.dataSource.transaction(async (manager) => {
      if (lockName !== null) await manager.query(LOCK, [lockName]);
      const unit: Unit = { manager };
      try {
        return await units.run(unit, work);
      } finally {
        unit.manager = null;
      }
    });
  }
}
