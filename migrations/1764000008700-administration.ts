import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The audit log says which request it was and is found by who acted and by what was done; admin tokens show a part of
 * themselves and when they were changed; accounts may have a policy of their own.
 */
const UP = `
alter table audit_log add column request_id text;
create index audit_log_actor on audit_log (actor_id, id);
create index audit_log_action on audit_log (action, id);
alter table admin_token add column display text not null default '', add column updated_at timestamptz not null default now();
update admin_token set updated_at = created_at;
alter table account add column policy_id uuid references policy (id);
create index account_policy on account (policy_id) where policy_id is not null;
create index api_key_policy on api_key (policy_id) where policy_id is not null;
`;

const DOWN = `
drop index api_key_policy;
drop index account_policy;
alter table account drop column policy_id;
alter table admin_token drop column display, drop column updated_at;
drop index audit_log_action;
drop index audit_log_actor;
alter table audit_log drop column request_id;
`;

export class Administration1764000008700 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
