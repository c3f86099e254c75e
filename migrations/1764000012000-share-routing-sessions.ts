import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Which model a session of `auto` has, so that every process stays with it. Unlogged: after a crash of the database sessions
 * are learned anew, and no ledger waits for them. A batch takes one number of the change feed, under its lock, so a process that
 * has read a number has read all sessions below it; nobody is woken, the poll brings them.
 */
const UP = `
create unlogged table routing_session (
  session text not null,
  model_id uuid not null,
  process_id uuid not null,
  version bigint not null,
  noted_at timestamptz not null,
  primary key (session)
);
create index routing_session_by_version on routing_session (version);
create function share_routing_sessions(by_process uuid, sessions text[], models uuid[]) returns void language plpgsql as $$
declare
  next_version bigint;
begin
  update config_version set version = version + 1 returning version into next_version;
  insert into config_change (version, entity, entity_id) values (next_version, 'routing_session', by_process::text);
  insert into routing_session as s (session, model_id, process_id, version, noted_at)
    select t.session, t.model, by_process, next_version, now() from unnest(sessions, models) as t (session, model)
    on conflict (session) do update set model_id = excluded.model_id, process_id = excluded.process_id,
      version = excluded.version, noted_at = excluded.noted_at;
end $$;
`;

const DOWN = `
drop function share_routing_sessions;
drop table routing_session;
`;

export class ShareRoutingSessions1764000012000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
