import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { isUuid, newId } from '../platform/ids/index.js';
import {
  apiKeyNotFound,
  billingAccountNotAllowed,
  invalidField,
  keyIsRevoked,
  tooManySecrets,
  unknownReference,
} from './auth.errors.js';
import type { ApiKeyRecord, CreatedKey, CreateKeyInput, KeyFilter, KeyPatch } from './domain/api-key-record.js';
import type { AuthenticatedKey } from './domain/identity.js';
import { effectiveStatus } from './domain/key-verdict.js';
import { pageOf, type Page, type PageRequest } from './domain/page.js';
import { API_KEY_PREFIX, displayOfToken, newToken } from './domain/token-format.js';
import { KeyAuthenticator } from './key-authenticator.js';
import { checkedName, checkedSettings } from './key-input.js';
import { KeyEvents } from './key-events.js';
import { AccountRepository } from './persistence/account.repository.js';
import { KeyRepository, violatedForeignKey, type StoredKey } from './persistence/key.repository.js';
import { SecretHasher } from './secret-hasher.js';

/** A transaction as the repositories hand it out. */
type Transaction = Parameters<Parameters<KeyRepository['inTransaction']>[0]>[0];

/** Secrets of one key that may pass at once; each is held in the memory of every process. */
const SECRETS_MAX = 10;

const NO_SETTINGS = {
  tier: null,
  fixedModel: null,
  policyId: null,
  limitDailyMicros: null,
  limitWeeklyMicros: null,
  limitRpm: null,
  limitConcurrency: null,
  expiresAt: null,
};

/** API keys: who is calling, and their administration. A write is in force here after `ChangeFeed.catchUp()`. */
@Injectable()
export class KeyService {
  constructor(
    private readonly authenticator: KeyAuthenticator,
    private readonly keys: KeyRepository,
    private readonly accounts: AccountRepository,
    private readonly hasher: SecretHasher,
    private readonly clock: Clock,
    private readonly events: KeyEvents,
  ) {}

  /**
   * Tells who presents this secret. Answers from memory; only an unknown secret costs a look-up in the database.
   * @throws AppError `missing_api_key` (401), `invalid_api_key` (403), `unavailable` (503).
   */
  authenticate(presentedKey: string | null): Promise<AuthenticatedKey> {
    return this.authenticator.authenticate(presentedKey);
  }

  /** @returns the key with its status as callers meet it, `null` when there is none. */
  async find(id: string): Promise<ApiKeyRecord | null> {
    const record = isUuid(id) ? await this.keys.find(id) : null;
    return record === null ? null : this.shown(record);
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<ApiKeyRecord> {
    const record = await this.find(id);
    if (record === null) throw apiKeyNotFound();
    return record;
  }

  /** Newest first. */
  async list(filter: KeyFilter, page: PageRequest): Promise<Page<ApiKeyRecord>> {
    const ids = [filter.ownerAccountId, filter.billingAccountId, page.cursor ?? undefined];
    if (ids.some((id) => id !== undefined && !isUuid(id))) return { items: [], nextCursor: null };
    const records = await this.keys.list(filter, page, new Date(this.clock.nowMs()));
    return pageOf(
      records.map((record) => this.shown(record)),
      page.limit,
    );
  }

  /**
   * Makes a key. Whether `fixedModel` exists is for the caller to check: this module does not know models.
   * @throws AppError `unprocessable` naming the field.
   */
  async create(input: CreateKeyInput): Promise<CreatedKey> {
    const settings = { ...NO_SETTINGS, ...checkedSettings(input) };
    if (settings.policyId !== null && !isUuid(settings.policyId)) throw unknownReference('policy_id', 'policy');
    const now = new Date(this.clock.nowMs());
    if (settings.expiresAt !== null && settings.expiresAt <= now) {
      throw invalidField('expires_at', 'expires_at must be in the future');
    }
    const secret = newToken(API_KEY_PREFIX);
    const key: StoredKey = {
      ...settings,
      id: newId(now.getTime()),
      name: checkedName(input.name),
      display: displayOfToken(secret),
      ownerAccountId: input.ownerAccountId,
      billingAccountId: input.billingAccountId ?? input.ownerAccountId,
      status: 'ACTIVE',
      createdAt: now,
      updatedAt: now,
    };
    await this.write(async (transaction) => {
      await this.checkAccounts(transaction, key);
      await this.keys.insert(transaction, key, this.hasher.hash('api_key', secret));
    });
    return { record: { ...key, lastUsedAt: null }, secret };
  }

  /** @throws AppError `not_found`, `conflict` for a revoked key, `unprocessable` naming the field. */
  async patch(id: string, patch: KeyPatch): Promise<ApiKeyRecord> {
    const changes: Partial<StoredKey> = { ...checkedSettings(patch), updatedAt: new Date(this.clock.nowMs()) };
    if (patch.name !== undefined) changes.name = checkedName(patch.name);
    if (patch.status !== undefined) changes.status = patch.status;
    if (typeof changes.policyId === 'string' && !isUuid(changes.policyId))
      throw unknownReference('policy_id', 'policy');
    await this.change(id, (key) => {
      if (key.status === 'REVOKED') throw keyIsRevoked();
      return changes;
    });
    return this.read(id);
  }

  /** Ends a key for ever. Revoking it again changes nothing. @throws AppError `not_found`. */
  async revoke(id: string): Promise<ApiKeyRecord> {
    await this.change(id, (key) =>
      key.status === 'REVOKED' ? null : { status: 'REVOKED', updatedAt: new Date(this.clock.nowMs()) },
    );
    return this.read(id);
  }

  /**
   * Gives a key a new secret; id, limits and quota stay. Older secrets pass for `graceSeconds` more, or until the end that
   * an earlier rotation gave them, whichever is sooner.
   * @throws AppError `not_found`; `conflict` for a revoked key, or when too many secrets are in their grace time.
   */
  async rotate(id: string, graceSeconds: number): Promise<CreatedKey> {
    const secret = newToken(API_KEY_PREFIX);
    const now = new Date(this.clock.nowMs());
    await this.changeIn(id, async (key, transaction) => {
      if (key.status === 'REVOKED') throw keyIsRevoked();
      const graceEnd = new Date(now.getTime() + graceSeconds * 1_000);
      await this.keys.endSecrets(transaction, id, graceEnd);
      if ((await this.keys.livingSecrets(transaction, id, now)) >= SECRETS_MAX) throw tooManySecrets(SECRETS_MAX);
      await this.keys.addSecret(transaction, id, this.hasher.hash('api_key', secret), now);
      await this.events.rotated(key, graceEnd, transaction);
      return { display: displayOfToken(secret), updatedAt: now };
    });
    return { record: await this.read(id), secret };
  }

  private async change(id: string, changesOf: (key: StoredKey) => Partial<StoredKey> | null): Promise<void> {
    await this.changeIn(id, (key) => Promise.resolve(changesOf(key)));
  }

  private async changeIn(
    id: string,
    changesOf: (key: StoredKey, transaction: Transaction) => Promise<Partial<StoredKey> | null>,
  ): Promise<void> {
    if (!isUuid(id)) throw apiKeyNotFound();
    await this.write(async (transaction) => {
      const key = await this.keys.lock(transaction, id);
      if (key === null) throw apiKeyNotFound();
      const changes = await changesOf(key, transaction);
      if (changes === null) return;
      await this.keys.update(transaction, id, changes);
      if (changes.status !== undefined) await this.events.statusChanged(key, changes.status, transaction);
    });
  }

  private async write(work: (transaction: Transaction) => Promise<void>): Promise<void> {
    try {
      await this.keys.inTransaction(work);
    } catch (error) {
      if (violatedForeignKey(error) === 'api_key_policy_id_fkey') throw unknownReference('policy_id', 'policy');
      throw error;
    }
  }

  /** The accounts are held for the transaction, so that neither is closed nor left by the owner meanwhile. */
  private async checkAccounts(transaction: Transaction, key: StoredKey): Promise<void> {
    const { ownerAccountId, billingAccountId } = key;
    await this.holdOpenAccount(transaction, 'owner_account_id', ownerAccountId);
    if (billingAccountId === ownerAccountId) return;
    await this.holdOpenAccount(transaction, 'billing_account_id', billingAccountId);
    if (await this.accounts.isMember(transaction, billingAccountId, ownerAccountId)) return;
    throw billingAccountNotAllowed();
  }

  private async holdOpenAccount(transaction: Transaction, param: string, id: string): Promise<void> {
    const account = isUuid(id) ? await this.accounts.lockShared(transaction, id) : null;
    if (account === null) throw unknownReference(param, 'account');
    if (account.status === 'closed') throw invalidField(param, `${param} names a closed account`);
  }

  private shown(record: ApiKeyRecord): ApiKeyRecord {
    return { ...record, status: effectiveStatus(record, this.clock.nowMs()) };
  }
}
