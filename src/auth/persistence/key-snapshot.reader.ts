import { Injectable } from '@nestjs/common';
import { HotConnectionFactory, type HotConnection } from '../../platform/database/index.js';
import { micros, type Micros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';
import type { AccountKind, AccountStatus } from '../domain/account.js';
import type { KeyStatus } from '../domain/identity.js';
import type { KeyEntry } from '../domain/key-verdict.js';

/** One secret of a key. */
export interface SecretEntry {
  /** Base64 of the keyed hash. */
  hash: string;
  expiresAtMs: number | null;
}

/** A key with all of its secrets, as the snapshot takes it in. */
export interface LoadedKey extends KeyEntry {
  secrets: readonly SecretEntry[];
}

interface KeyRow {
  id: string;
  name: string;
  owner_account_id: string;
  billing_account_id: string;
  status: KeyStatus;
  tier: Tier | null;
  fixed_model: string | null;
  policy_id: string | null;
  limit_daily: bigint | null;
  limit_weekly: bigint | null;
  limit_rpm: number | null;
  limit_concurrency: number | null;
  expires_at: Date | null;
  owner_status: AccountStatus;
  billing_status: AccountStatus;
  billing_kind: AccountKind;
  owner_may_bill: boolean;
  secrets: readonly { hash: string; expires_at_ms: number | null }[];
}

const PAGE_ROWS = 2_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

const SELECT_KEYS = `
  select k.id, k.name, k.owner_account_id, k.billing_account_id, k.status, k.tier, k.fixed_model, k.policy_id,
    k.limit_daily, k.limit_weekly, k.limit_rpm, k.limit_concurrency, k.expires_at,
    owner.status as owner_status, billing.status as billing_status, billing.kind as billing_kind,
    k.owner_account_id = k.billing_account_id or exists (
      select from account_member m where m.organization_id = k.billing_account_id and m.member_id = k.owner_account_id
    ) as owner_may_bill,
    (select coalesce(json_agg(json_build_object(
        'hash', encode(s.secret_hash, 'base64'), 'expires_at_ms', floor(extract(epoch from s.expires_at) * 1000))), '[]')
      from api_key_secret s where s.api_key_id = k.id) as secrets
  from api_key k
  join account owner on owner.id = k.owner_account_id
  join account billing on billing.id = k.billing_account_id`;

const KEYS_PAGE = `${SELECT_KEYS} where k.id > $1 order by k.id limit ${PAGE_ROWS}`;
const KEYS_BY_ID = `${SELECT_KEYS} where k.id = any($1::uuid[])`;
const KEY_IDS_OF_ACCOUNTS = `
  select id from api_key where owner_account_id = any($1::uuid[])
  union select id from api_key where billing_account_id = any($1::uuid[])`;
const KEY_ID_BY_HASH = `
  select api_key_id as id from api_key_secret where secret_hash in (select decode(h, 'base64') from unnest($1::text[]) h)`;

/** Reads what the snapshot of keys holds, over a connection of its own that opens at the first use. */
@Injectable()
export class KeySnapshotReader {
  private readonly connection: HotConnection;

  constructor(connections: HotConnectionFactory) {
    this.connection = connections.create('keys');
  }

  /** All keys in pages, so that a million of them are never in memory twice. */
  async *all(): AsyncGenerator<readonly LoadedKey[]> {
    let afterId = FIRST_ID;
    for (;;) {
      const rows = await this.connection.query<KeyRow>('keys_page', KEYS_PAGE, [afterId]);
      yield rows.map(loadedKeyOf);
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE_ROWS) return;
      afterId = last.id;
    }
  }

  /** The keys that exist among `ids`. */
  async byIds(ids: readonly string[]): Promise<LoadedKey[]> {
    const rows = await this.connection.query<KeyRow>('keys_by_id', KEYS_BY_ID, [ids]);
    return rows.map(loadedKeyOf);
  }

  /** Ids of the keys that these accounts own or pay for. */
  async idsOfAccounts(accountIds: readonly string[]): Promise<string[]> {
    const rows = await this.connection.query<{ id: string }>('key_ids_of_accounts', KEY_IDS_OF_ACCOUNTS, [accountIds]);
    return rows.map(({ id }) => id);
  }

  /** @param hashes candidate hashes of one presented secret, base64. */
  async idByHash(hashes: readonly string[]): Promise<string | null> {
    const [row] = await this.connection.query<{ id: string }>('key_id_by_hash', KEY_ID_BY_HASH, [hashes]);
    return row?.id ?? null;
  }
}

function loadedKeyOf(row: KeyRow): LoadedKey {
  return {
    key: {
      id: row.id,
      name: row.name,
      ownerAccountId: row.owner_account_id,
      billingAccountId: row.billing_account_id,
      billingAccountKind: row.billing_kind,
      status: row.status,
      tier: row.tier,
      fixedModel: row.fixed_model,
      policyId: row.policy_id,
      limitDailyMicros: microsOf(row.limit_daily),
      limitWeeklyMicros: microsOf(row.limit_weekly),
      limitRpm: row.limit_rpm,
      limitConcurrency: row.limit_concurrency,
      expiresAt: row.expires_at,
    },
    ownerStatus: row.owner_status,
    billingStatus: row.billing_status,
    ownerMayBill: row.owner_may_bill,
    secrets: row.secrets.map((secret) => ({ hash: secret.hash, expiresAtMs: secret.expires_at_ms })),
  };
}

function microsOf(value: bigint | null): Micros | null {
  return value === null ? null : micros(value);
}
