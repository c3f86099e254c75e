import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Endpoints that are out of service (breaker) or asked for patience (limit), so that what one process has learned the
 * others know, also after a restart. At most two rows an endpoint; a changed endpoint or provider starts with none.
 */
const UP = `
create table endpoint_outage (
  endpoint_id uuid not null references model_endpoint (id) on delete cascade,
  kind text not null check (kind in ('breaker', 'limit')),
  place text not null,
  reason text not null,
  process_id uuid not null,
  until timestamptz not null,
  updated_at timestamptz not null default now(),
  primary key (endpoint_id, kind)
);
create trigger endpoint_outage_changed after insert or update or delete on endpoint_outage
  for each row execute function note_config_change('endpoint_outage', 'endpoint_id');
create function forget_endpoint_outages() returns trigger language plpgsql as $$
begin
  if tg_table_name = 'provider' then
    delete from endpoint_outage using model_endpoint e
      where endpoint_outage.endpoint_id = e.id and e.provider_id = new.id;
  else
    delete from endpoint_outage where endpoint_id = new.id;
  end if;
  return null;
end $$;
create trigger provider_outages after update on provider
  for each row execute function forget_endpoint_outages();
create trigger endpoint_outages after update on model_endpoint
  for each row execute function forget_endpoint_outages();
`;

const DOWN = `
drop trigger endpoint_outages on model_endpoint;
drop trigger provider_outages on provider;
drop function forget_endpoint_outages;
drop table endpoint_outage;
`;

export class ShareEndpointOutages1764000008410 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(UP);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
