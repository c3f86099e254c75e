import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, IsNull, LessThan, MoreThan, Not, QueryFailedError, type Repository } from 'typeorm';
import { AppError } from '../../platform/errors/index.js';
import type { ProviderRow } from '../domain/provider.js';
import { ProviderEntity } from './provider.entity.js';

const UNIQUE_VIOLATION = '23505';
const FOREIGN_KEY_VIOLATION = '23503';

/** The providers in the database. */
@Injectable()
export class ProviderRepository {
  constructor(@InjectRepository(ProviderEntity) private readonly rows: Repository<ProviderEntity>) {}

  all(): Promise<ProviderRow[]> {
    return this.rows.find();
  }

  byIds(ids: readonly string[]): Promise<ProviderRow[]> {
    return this.rows.findBy({ id: In(ids) });
  }

  find(id: string): Promise<ProviderRow | null> {
    return this.rows.findOneBy({ id });
  }

  findByName(name: string): Promise<ProviderRow | null> {
    return this.rows.findOneBy({ name });
  }

  /** Newest first, older than a given one. */
  page(beforeId: string | null, limit: number): Promise<ProviderRow[]> {
    const where = beforeId === null ? {} : { id: LessThan(beforeId) };
    return this.rows.find({ where, order: { id: 'DESC' }, take: limit });
  }

  /** Sealed keys in order of the providers' ids, after a given one. */
  async sealedKeys(afterId: string | null, limit: number): Promise<{ id: string; apiKeySealed: string }[]> {
    const where = { apiKeySealed: Not(IsNull()), ...(afterId === null ? {} : { id: MoreThan(afterId) }) };
    const rows = await this.rows.find({ where, order: { id: 'ASC' }, take: limit });
    return rows.map(({ id, apiKeySealed }) => ({ id, apiKeySealed: apiKeySealed ?? '' }));
  }

  /** Seals a key anew. @returns whether the row still held the text before. */
  async replaceSealedKey(id: string, before: string, after: string): Promise<boolean> {
    const { affected } = await this.rows.update({ id, apiKeySealed: before }, { apiKeySealed: after });
    return affected === 1;
  }

  /** @throws AppError `conflict` when the name is taken. */
  async insert(row: Omit<ProviderRow, 'createdAt' | 'updatedAt'>): Promise<ProviderRow> {
    await refusals(this.rows.insert(row));
    return this.rows.findOneByOrFail({ id: row.id });
  }

  /**
   * @returns the changed row, `null` when there is none.
   * @throws AppError `conflict` when the name is taken.
   */
  async update(id: string, change: Partial<Omit<ProviderRow, 'id'>>): Promise<ProviderRow | null> {
    if (Object.keys(change).length > 0) await refusals(this.rows.update({ id }, change));
    return this.find(id);
  }

  /**
   * @returns whether there was one.
   * @throws AppError `conflict` while endpoints use it.
   */
  async delete(id: string): Promise<boolean> {
    const { affected } = await refusals(this.rows.delete({ id }));
    return (affected ?? 0) > 0;
  }
}

/** Turns what the constraints refuse into errors that an operator can read. */
async function refusals<T>(query: Promise<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    if (!(error instanceof QueryFailedError)) throw error;
    const { code } = error.driverError as { code?: string };
    if (code === UNIQUE_VIOLATION) {
      throw new AppError('conflict', 'a provider of this name exists already', {
        code: 'provider_name_taken',
        param: 'name',
        cause: error,
      });
    }
    if (code === FOREIGN_KEY_VIOLATION) {
      throw new AppError('conflict', 'endpoints of models still use this provider', {
        code: 'provider_in_use',
        hint: 'Delete those endpoints first, or disable the provider.',
        cause: error,
      });
    }
    throw error;
  }
}
