import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';

/**
 * In this order: whoever else changes a row has locked it before he takes the number of the change, so that the two never
 * wait for each other in a circle.
 */
const LOCKS = [
  'select 1 from provider order by id for no key update',
  'select 1 from policy order by id for no key update',
  'select 1 from model order by id for no key update',
  'select 1 from model_endpoint order by id for no key update',
  'select 1 from config_version for update',
];

/** Keeps the pool still for the transaction that runs. Nobody who serves requests waits for it. */
@Injectable()
export class PoolLockRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  async lock(): Promise<void> {
    for (const statement of LOCKS) await this.dataSource.query(statement);
  }
}
