import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';

/** An active key whose time is over. */
export interface ExpiredKey {
  id: string;
  name: string;
  ownerAccountId: string;
  billingAccountId: string;
  expiresAt: Date;
}

const EXPIRED = `select id, name, owner_account_id as "ownerAccountId", billing_account_id as "billingAccountId",
    expires_at as "expiresAt"
  from api_key where status = 'ACTIVE' and expires_at <= now() and expires_at > now() - interval '1 day'
  order by expires_at desc limit $1`;

/** Keys whose time is over, without the snapshot of all keys that gateways have. */
@Injectable()
export class KeyExpiryRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Those of the last day, newest first. */
  expired(limit: number): Promise<ExpiredKey[]> {
    return this.dataSource.query(EXPIRED, [limit]);
  }
}
