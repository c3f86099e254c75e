import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Accounts, keys, policies, the model pool, and the version row that tells every process what changed. */
const IDENTITY_AND_POOL = `
create table account (
  id uuid primary key,
  kind text not null check (kind in ('personal', 'organization')),
  name text not null,
  status text not null default 'active' check (status in ('active', 'suspended', 'closed')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create table account_member (
  organization_id uuid not null references account (id),
  member_id uuid not null references account (id),
  created_at timestamptz not null default now(),
  primary key (organization_id, member_id)
);
create table policy (
  id uuid primary key,
  name text not null,
  allowed_tiers text[] not null default '{}',
  ip_allowlist text[] not null default '{}',
  ip_blocklist text[] not null default '{}',
  model_blacklist text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create table api_key (
  id uuid primary key,
  name text not null,
  display text not null,
  owner_account_id uuid not null references account (id),
  billing_account_id uuid not null references account (id),
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'DISABLED', 'EXPIRED', 'REVOKED')),
  tier text check (tier in ('economy', 'standard', 'premium')),
  fixed_model text,
  policy_id uuid references policy (id),
  limit_daily bigint check (limit_daily >= 0),
  limit_weekly bigint check (limit_weekly >= 0),
  limit_rpm integer check (limit_rpm >= 0),
  limit_concurrency integer check (limit_concurrency >= 0),
  expires_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create index api_key_owner on api_key (owner_account_id);
create index api_key_billing on api_key (billing_account_id);
create table api_key_secret (
  secret_hash bytea primary key,
  api_key_id uuid not null references api_key (id),
  hash_version integer not null,
  expires_at timestamptz,
  created_at timestamptz not null default now()
);
create index api_key_secret_key on api_key_secret (api_key_id);
create table api_key_last_use (
  api_key_id uuid primary key references api_key (id),
  last_used_at timestamptz not null
);
create table admin_token (
  id uuid primary key,
  name text not null,
  role text not null default 'owner' check (role in ('owner', 'operator', 'viewer')),
  token_hash bytea not null unique,
  hash_version integer not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  created_at timestamptz not null default now()
);
create table provider (
  id uuid primary key,
  name text not null unique,
  adapter text not null,
  base_url text not null,
  api_key_sealed text,
  hangup_billing text not null default 'estimate' check (hangup_billing in ('estimate', 'drain', 'free')),
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create table model (
  id uuid primary key,
  model_key text not null unique,
  display_name text not null,
  alias text not null default '',
  tier text not null check (tier in ('economy', 'standard', 'premium')),
  tags text[] not null default '{}',
  feature_tags text[] not null default '{}',
  scenario_tags text[] not null default '{}',
  sku_tags text[] not null default '{}',
  industry_packs text[] not null default '{}',
  mci_score double precision not null default 0 check (mci_score >= 0 and mci_score <= 100),
  description text not null default '',
  description_zh text not null default '',
  context_window integer not null check (context_window > 0),
  max_output_tokens integer not null check (max_output_tokens > 0),
  customer_image_input_mtok text not null default '',
  customer_image_output_mtok text not null default '',
  customer_image_cached_input_mtok text not null default '',
  enabled boolean not null default false,
  current_price_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint model_enabled_has_price check (not enabled or current_price_id is not null)
);
create table model_price (
  id uuid primary key,
  model_id uuid not null references model (id),
  version integer not null,
  input_per_mtok bigint not null check (input_per_mtok >= 0),
  output_per_mtok bigint not null check (output_per_mtok >= 0),
  cache_read_per_mtok bigint not null check (cache_read_per_mtok >= 0),
  cache_write_per_mtok bigint not null check (cache_write_per_mtok >= 0),
  effective_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  unique (model_id, version)
);
alter table model add constraint model_current_price foreign key (current_price_id) references model_price (id);
create table model_endpoint (
  id uuid primary key,
  model_id uuid not null references model (id) on delete cascade,
  provider_id uuid not null references provider (id),
  upstream_model text not null,
  priority integer not null default 1 check (priority >= 0),
  weight integer not null default 1 check (weight >= 0),
  timeouts jsonb not null default '{}',
  input_usd_mtok bigint not null default 0 check (input_usd_mtok >= 0),
  output_usd_mtok bigint not null default 0 check (output_usd_mtok >= 0),
  supports_prefill boolean not null default false,
  allowed_fields text[] not null default '{}',
  enabled boolean not null default true,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (model_id, provider_id, upstream_model)
);
create table tier_rate (
  tier text not null check (tier in ('economy', 'standard', 'premium')),
  version integer not null,
  name text not null,
  description text not null default '',
  usd_per_credit bigint not null check (usd_per_credit > 0),
  sort_order integer not null default 0,
  created_at timestamptz not null default now(),
  primary key (tier, version)
);
create table gateway_setting (
  name text primary key,
  value jsonb not null,
  updated_at timestamptz not null default now()
);
`;

/** One row a change, numbered under the lock of one row, so that a reader that has seen n has seen all below n. */
const CHANGE_FEED = `
create table config_version (
  only_row boolean primary key default true check (only_row),
  version bigint not null
);
insert into config_version (version) values (0);
create table config_change (
  version bigint primary key,
  entity text not null,
  entity_id text not null,
  created_at timestamptz not null default now()
);
create function note_config_change() returns trigger language plpgsql as $$
declare
  next_version bigint;
  changed jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
begin
  update config_version set version = version + 1 returning version into next_version;
  insert into config_change (version, entity, entity_id)
    values (next_version, tg_argv[0], coalesce(changed ->> tg_argv[1], ''));
  perform pg_notify('config_change', next_version::text);
  return null;
end $$;
create trigger account_changed after insert or update or delete on account
  for each row execute function note_config_change('account', 'id');
create trigger account_member_changed after insert or update or delete on account_member
  for each row execute function note_config_change('account', 'organization_id');
create trigger policy_changed after insert or update or delete on policy
  for each row execute function note_config_change('policy', 'id');
create trigger api_key_changed after insert or update or delete on api_key
  for each row execute function note_config_change('api_key', 'id');
create trigger api_key_secret_changed after insert or update or delete on api_key_secret
  for each row execute function note_config_change('api_key', 'api_key_id');
create trigger admin_token_changed after insert or update or delete on admin_token
  for each row execute function note_config_change('admin_token', 'id');
create trigger provider_changed after insert or update or delete on provider
  for each row execute function note_config_change('provider', 'id');
create trigger model_changed after insert or update or delete on model
  for each row execute function note_config_change('model', 'id');
create trigger model_price_changed after insert or update or delete on model_price
  for each row execute function note_config_change('model', 'model_id');
create trigger model_endpoint_changed after insert or update or delete on model_endpoint
  for each row execute function note_config_change('model', 'model_id');
create trigger tier_rate_changed after insert or update or delete on tier_rate
  for each row execute function note_config_change('tier_rate', 'tier');
`;

/** Wallets, the ledger, freezes, quota days and the leases of the processes that hold freezes. */
const MONEY = `
create table wallet (
  account_id uuid not null references account (id),
  tier text not null check (tier in ('economy', 'standard', 'premium')),
  available bigint not null default 0 check (available >= 0),
  frozen bigint not null default 0 check (frozen >= 0),
  seq bigint not null default 0,
  primary key (account_id, tier)
) with (fillfactor = 50);
create table ledger_entry (
  account_id uuid not null,
  tier text not null,
  seq bigint not null,
  kind text not null check (kind in ('top_up', 'freeze', 'extend', 'settle', 'release', 'expire', 'adjust')),
  freeze_id text,
  available_delta bigint not null,
  frozen_delta bigint not null,
  available_after bigint not null check (available_after >= 0),
  frozen_after bigint not null check (frozen_after >= 0),
  idempotency_key text not null,
  note text,
  created_at timestamptz not null default now(),
  primary key (account_id, tier, seq),
  unique (account_id, idempotency_key),
  foreign key (account_id, tier) references wallet (account_id, tier)
);
create function refuse_ledger_rewrite() returns trigger language plpgsql as $$
begin
  raise exception 'ledger rows are immutable' using errcode = 'restrict_violation';
end $$;
create trigger ledger_entry_immutable before update or delete or truncate on ledger_entry
  for each statement execute function refuse_ledger_rewrite();
create table process_lease (
  process_id uuid primary key,
  role text not null,
  lease_until timestamptz not null,
  started_at timestamptz not null default now()
);
create table wallet_freeze (
  account_id uuid not null,
  id text not null,
  tier text not null,
  api_key_id uuid not null,
  process_id uuid not null,
  state text not null default 'held' check (state in ('held', 'captured', 'settled', 'released', 'expired')),
  amount bigint not null check (amount > 0),
  extensions integer not null default 0,
  quota_day date not null,
  model_id uuid not null,
  price_id uuid not null,
  client_request_id text not null,
  stream boolean not null,
  facts jsonb not null,
  outcome jsonb,
  settle_attempts integer not null default 0,
  settle_error text,
  created_at timestamptz not null default now(),
  captured_at timestamptz,
  ended_at timestamptz,
  primary key (account_id, id),
  constraint wallet_freeze_outcome_when_captured check (state not in ('captured', 'settled') or outcome is not null)
) with (fillfactor = 60);
create index wallet_freeze_held on wallet_freeze (process_id) where state = 'held';
create index wallet_freeze_captured on wallet_freeze (captured_at) where state = 'captured';
create table quota_day (
  account_id uuid not null,
  api_key_id uuid not null,
  day date not null,
  used bigint not null default 0 check (used >= 0),
  primary key (account_id, api_key_id, day)
) with (fillfactor = 50);
create table platform_shortfall (
  account_id uuid not null,
  request_id text not null,
  tier text not null,
  amount bigint not null check (amount > 0),
  created_at timestamptz not null default now(),
  primary key (account_id, request_id)
);
`;

/** What was used and why a request ended as it did. */
const RECORDS = `
create table usage_record (
  account_id uuid not null,
  request_id text not null,
  client_request_id text not null,
  api_key_id uuid not null,
  model_id uuid not null,
  model_key text not null,
  provider text,
  tier text not null,
  stream boolean not null,
  status text not null check (status in ('settled', 'released', 'expired', 'failed')),
  input_tokens integer not null default 0,
  output_tokens integer not null default 0,
  cached_input_tokens integer not null default 0,
  cached_output_tokens integer not null default 0,
  credits_used bigint not null default 0 check (credits_used >= 0),
  credits_charged bigint not null default 0 check (credits_charged >= 0),
  shortfall bigint not null default 0 check (shortfall >= 0),
  usd_cost bigint not null default 0,
  provider_cost_usd bigint not null default 0,
  usage_source text not null check (usage_source in ('provider', 'estimated', 'unavailable')),
  price_id uuid not null,
  frozen bigint not null,
  outcome jsonb,
  created_at timestamptz not null,
  settled_at timestamptz not null default now(),
  primary key (account_id, request_id),
  constraint usage_record_charge_adds_up check (credits_used = credits_charged + shortfall)
);
create index usage_record_request on usage_record (request_id);
create index usage_record_key on usage_record (api_key_id, request_id);
create index usage_record_client on usage_record (client_request_id);
create table request_trace (
  request_id text primary key,
  client_request_id text not null,
  account_id uuid,
  api_key_id uuid,
  status integer not null,
  stage text not null,
  stages json not null,
  created_at timestamptz not null
);
create index request_trace_client on request_trace (client_request_id);
create table admin_idempotency (
  actor_id uuid not null,
  idempotency_key text not null,
  operation text not null,
  request_hash bytea not null,
  status integer,
  response jsonb,
  created_at timestamptz not null default now(),
  primary key (actor_id, idempotency_key)
);
create table audit_log (
  id uuid primary key,
  actor_id uuid,
  actor text not null,
  action text not null,
  resource text not null,
  resource_id text not null,
  before jsonb,
  after jsonb,
  created_at timestamptz not null default now()
);
create index audit_log_resource on audit_log (resource, resource_id, id);
`;

export class CreateSchema1764000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const part of [IDENTITY_AND_POOL, CHANGE_FEED, MONEY, RECORDS]) await runner.query(part);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table audit_log, admin_idempotency, request_trace, usage_record, platform_shortfall, quota_day, wallet_freeze,
        process_lease, ledger_entry, wallet, config_change, gateway_setting, tier_rate, model_endpoint, provider,
        admin_token, api_key_last_use, api_key_secret, api_key, policy, account_member cascade;
      alter table model drop constraint model_current_price;
      drop table model_price, model, account, config_version;
      drop function note_config_change, refuse_ledger_rewrite;
    `);
  }
}
