import type { DataSource, EntityManager } from 'typeorm';

/** Runs `work` in one transaction; services open it, repositories join it through the manager. */
export async function inTransaction<T>(
  dataSource: DataSource,
  work: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  return dataSource.transaction(work);
}
