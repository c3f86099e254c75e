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
  owner_policy_id: string | null;
  billing_policy_id: string | null;
  owner_may_bill: boolean;
  secret_hash: Buffer | null;
  secret_expires_at: Date | null;
}

const PAGE_ROWS = 2_000;
const FIRST_ID = '00000000-0000-0000-0000-000000000000';

/**
 * Keys of `page` with their accounts, one row for each secret. Joins only: a subquery in the list of columns is priced for
 * every row, and on tables without statistics that is enough to make Postgres compile the statement for half a second.
 */
const WITH_ACCOUNTS_AND_SECRETS = `
  select k.id, k.name, k.owner_account_id, k.billing_account_id, k.status, k.tier, k.fixed_model, k.policy_id,
    k.limit_daily, k.limit_weekly, k.limit_rpm, k.limit_concurrency, k.expires_at,
    owner.status as owner_status, billing.status as billing_status, billing.kind as billing_kind,
    owner.policy_id as owner_policy_id, billing.policy_id as billing_policy_id,
    k.owner_account_id = k.billing_account_id or member.member_id is not null as owner_may_bill,
    s.secret_hash, s.expires_at as secret_expires_at
  from page k
  join account owner on owner.id = k.owner_account_id
  join account billing on billing.id = k.billing_account_id
  left join account_member member
    on member.organization_id = k.billing_account_id and member.member_id = k.owner_account_id
  left join api_key_secret s on s.api_key_id = k.id
  order by k.id`;

const KEYS_PAGE = `
  with page as materialized (select * from api_key where id > $1 order by id limit ${PAGE_ROWS}) ${WITH_ACCOUNTS_AND_SECRETS}`;
const KEYS_BY_ID = `
  with page as materialized (select * from api_key where id = any($1::uuid[])) ${WITH_ACCOUNTS_AND_SECRETS}`;
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
      const keys = loadedKeysOf(await this.connection.query<KeyRow>('keys_page', KEYS_PAGE, [afterId]));
      yield keys;
      const last = keys.at(-1);
      if (last === undefined || keys.length < PAGE_ROWS) return;
      afterId = last.key.id;
    }
  }

  /** The keys that exist among `ids`. */
  async byIds(ids: readonly string[]): Promise<LoadedKey[]> {
    return loadedKeysOf(await this.connection.query<KeyRow>('keys_by_id', KEYS_BY_ID, [ids]));
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

/** Gathers the rows of each key; they stand together. */
function loadedKeysOf(rows: readonly KeyRow[]): LoadedKey[] {
  const loaded: (LoadedKey & { secrets: SecretEntry[] })[] = [];
  for (const row of rows) {
    let last = loaded.at(-1);
    if (last?.key.id !== row.id) {
      last = { ...entryOf(row), secrets: [] };
      loaded.push(last);
    }
    if (row.secret_hash === null) continue;
    last.secrets.push({
      hash: row.secret_hash.toString('base64'),
      expiresAtMs: row.secret_expires_at?.getTime() ?? null,
    });
  }
  return loaded;
}

function entryOf(row: KeyRow): KeyEntry {
  return {
    key: {
      id: row.id,
      name: row.name,
      ownerAccountId: row.owner_account_id,
      billingAccountId: row.billing_account_id,
      billingAccountKind: row.billing_kind,
      accountPolicyIds: accountPoliciesOf(row),
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
  };
}

const NONE: readonly string[] = [];

/** Without those that the key has itself, and without repetitions: most accounts have none, and most keys pay themselves. */
function accountPoliciesOf({
  policy_id: own,
  owner_policy_id: owner,
  billing_policy_id: billing,
}: KeyRow): readonly string[] {
  if (owner === null && billing === null) return NONE;
  return [...new Set([owner, billing])].filter((id): id is string => id !== null && id !== own);
}

function microsOf(value: bigint | null): Micros | null {
  return value === null ? null : micros(value);
}
