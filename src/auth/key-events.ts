import { Injectable } from '@nestjs/common';
import { EventLog, type NewEvent } from '../events/index.js';
import { KeyRepository, type StoredKey } from './persistence/key.repository.js';

/** A transaction as the repositories hand it out. */
type Transaction = Parameters<Parameters<KeyRepository['inTransaction']>[0]>[0];

/** Why a key, or its old secret, stopped working. */
export type KeyEndReason = 'disabled' | 'revoked' | 'rotated' | 'member_removed' | 'expired';

/** What events say of a key. */
export type EndedKey = Pick<StoredKey, 'id' | 'name' | 'ownerAccountId' | 'billingAccountId'>;

const REASON_OF_STATUS: Readonly<Partial<Record<StoredKey['status'], KeyEndReason>>> = {
  DISABLED: 'disabled',
  REVOKED: 'revoked',
};

/** Tells operators of keys that stopped working, in the transaction that stops them. */
@Injectable()
export class KeyEvents {
  constructor(
    private readonly keys: KeyRepository,
    private readonly events: EventLog,
  ) {}

  /** A key got another status. One that works again is no event. */
  async statusChanged(key: StoredKey, status: StoredKey['status'], transaction: Transaction): Promise<void> {
    const reason = REASON_OF_STATUS[status];
    if (reason === undefined || status === key.status) return;
    await this.events.raise([keyDisabled(key, reason)], transaction);
  }

  /** A key got a new secret. @param oldEndAt when the older ones stop passing. */
  async rotated(key: StoredKey, oldEndAt: Date, transaction: Transaction): Promise<void> {
    const more = { old_secrets_end_at: oldEndAt.toISOString() };
    await this.events.raise([keyDisabled(key, 'rotated', more)], transaction);
  }

  /** The keys of a former member that its organization paid for. */
  async memberRemoved(organizationId: string, memberId: string, transaction: Transaction): Promise<void> {
    const keys = await this.keys.activeOf(transaction, memberId, organizationId);
    await this.events.raise(
      keys.map((key) => keyDisabled(key, 'member_removed')),
      transaction,
    );
  }
}

/** @param more facts of this reason. */
export function keyDisabled(key: EndedKey, reason: KeyEndReason, more: Record<string, unknown> = {}): NewEvent {
  const { id, name, ownerAccountId, billingAccountId } = key;
  return {
    kind: 'key_disabled',
    accountId: billingAccountId,
    subject: { type: 'api_key', id },
    data: { reason, name, owner_account_id: ownerAccountId, ...more },
  };
}
