import { Injectable } from '@nestjs/common';
import { HotConnectionFactory, type HotConnection } from '../../platform/database/index.js';

/** Owner of freezes that their process has given up; it never has a lease, so they expire at once. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** Of process $1 with role $2, for $3 milliseconds from now. */
export const RENEW_LEASE = `insert into process_lease (process_id, role, lease_until) values ($1, $2, now() + $3 * interval '1 millisecond')
  on conflict (process_id) do update set lease_until = excluded.lease_until`;
const END = `delete from process_lease where process_id = $1`;
const DISOWN = `update wallet_freeze f set process_id = '${NOBODY}' from unnest($1::uuid[], $2::text[]) as g (account_id, id)
  where f.account_id = g.account_id and f.id = g.id and f.state = 'held'`;
const DELETE_OLD = `delete from process_lease where lease_until < now() - interval '1 hour'`;

/** Leases in database time: the clocks of the processes do not matter. */
@Injectable()
export class LeaseRepository {
  private readonly connection: HotConnection;

  constructor(connections: HotConnectionFactory) {
    this.connection = connections.create('lease');
  }

  async renew(processId: string, role: string, leaseMs: number): Promise<void> {
    await this.connection.query('lease_renew', RENEW_LEASE, [processId, role, leaseMs]);
  }

  async end(processId: string): Promise<void> {
    await this.connection.query('lease_end', END, [processId]);
  }

  /** Leaves held freezes to the sweepers. */
  async disown(freezes: readonly { accountId: string; id: string }[]): Promise<void> {
    const values = [freezes.map(({ accountId }) => accountId), freezes.map(({ id }) => id)];
    await this.connection.query('lease_disown', DISOWN, values);
  }

  async deleteOld(): Promise<void> {
    await this.connection.query('lease_delete_old', DELETE_OLD);
  }
}
