import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Events that operators want to hear of, the webhooks that hear of them, and what became of each delivery. A delivery is
 * written with its event, so none is lost; `next_attempt_at` is also the end of the claim of the process that is at it.
 *
 * `low_balance_watch` stands beside the hot table `wallet`: no request reads or writes it.
 */
const UP = `
create table event (
  id uuid primary key,
  kind text not null check (kind in ('low_balance', 'key_disabled', 'breaker_open', 'drift_found', 'settlement_failed')),
  severity text not null check (severity in ('info', 'warning', 'critical')),
  account_id uuid,
  subject_type text not null,
  subject_id text not null,
  data jsonb not null,
  once_key text unique,
  created_at timestamptz not null
);
create index event_kind on event (kind, id);
create index event_account on event (account_id, id) where account_id is not null;
create table webhook (
  id uuid primary key,
  url text not null,
  kinds text[],
  description text not null default '',
  enabled boolean not null default true,
  failing_since timestamptz,
  last_error text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);
create table webhook_secret (
  id uuid primary key,
  webhook_id uuid not null references webhook (id) on delete cascade,
  sealed text not null,
  expires_at timestamptz,
  created_at timestamptz not null default now()
);
create index webhook_secret_webhook on webhook_secret (webhook_id);
create table webhook_delivery (
  event_id uuid not null references event (id) on delete cascade,
  webhook_id uuid not null references webhook (id) on delete cascade,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts integer not null default 0 check (attempts >= 0),
  next_attempt_at timestamptz not null default now(),
  last_attempt_at timestamptz,
  last_status integer,
  last_error text,
  last_latency_ms integer,
  delivered_at timestamptz,
  primary key (event_id, webhook_id)
);
create index webhook_delivery_due on webhook_delivery (webhook_id, state, next_attempt_at);
create table low_balance_watch (
  account_id uuid not null references account (id),
  tier text not null check (tier in ('economy', 'standard', 'premium')),
  threshold bigint not null check (threshold > 0),
  is_low boolean not null default false,
  updated_at timestamptz not null default now(),
  primary key (account_id, tier)
);
create index api_key_expiry on api_key (expires_at) where expires_at is not null;
`;

const DOWN = `
drop index api_key_expiry;
drop table low_balance_watch, webhook_delivery, webhook_secret, webhook, event;
`;

export class Events1764000010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
