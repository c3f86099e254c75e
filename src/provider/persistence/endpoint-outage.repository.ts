import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import type { OutageKind } from './endpoint-outage.entity.js';

/** What this process has seen. Times are spans: clocks of machines differ. */
export interface OutageNote {
  endpointId: string;
  kind: OutageKind;
  place: string;
  reason: string;
  /** Hash of the only caller that the breaker keeps away; `null` when it keeps all away. */
  caller: string | null;
  /** From now on; not above 0 when it is over. */
  forMs: number;
}

/** What some process has seen. */
export interface KnownOutage extends OutageNote {
  processId: string;
  modelId: string;
  providerId: string;
  providerName: string;
}

/** A breaker that opened, and that no process knew open so far. */
export interface OpenedBreaker {
  endpointId: string;
  providerId: string;
  provider: string;
  modelKey: string;
  upstreamModel: string;
  reason: string;
  caller: string | null;
  forMs: number;
}

/**
 * Endpoints that are gone are left out: a late note of one must not fail the others. The answer names breakers that were closed
 * until now: those without a row (a breaker that closes loses its row; one whose probe fails keeps it), and those whose row is an
 * hour over, for it may belong to a process that died before it could say that the endpoint answers again; and those that kept one
 * caller away and now keep all away. A note whose time is over ends the wait of a breaker that is open, and makes none.
 */
const WRITE = `
  with notes as (
    select n.*, e.provider_id, e.model_id, e.upstream_model
      from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::double precision[], $7::text[])
        as n (endpoint_id, kind, place, reason, for_ms, caller)
      join model_endpoint e on e.id = n.endpoint_id
  ), before as (
    select o.endpoint_id, o.kind, o.until, o.caller from endpoint_outage o join notes n using (endpoint_id, kind)
      order by o.endpoint_id, o.kind for update of o
  ), written as (
  insert into endpoint_outage as o (endpoint_id, kind, place, reason, caller, process_id, until)
  select n.endpoint_id, n.kind, n.place, n.reason, n.caller, $1, now() + n.for_ms * interval '1 millisecond'
    from notes n where (select count(*) from before) >= 0
      and (n.for_ms > 0 or exists (select from before b where b.endpoint_id = n.endpoint_id and b.kind = n.kind))
    order by n.endpoint_id, n.kind
  on conflict (endpoint_id, kind) do update
    set place = excluded.place, reason = excluded.reason, caller = excluded.caller,
        process_id = excluded.process_id, until = excluded.until,
        updated_at = now()
  returning o.endpoint_id, o.kind, o.xmax = 0 as is_new
  )
  select n.endpoint_id as "endpointId", n.provider_id as "providerId", v.name as provider, m.model_key as "modelKey",
      n.upstream_model as "upstreamModel", n.reason, n.caller, n.for_ms as "forMs"
    from written w
    join notes n using (endpoint_id, kind)
    left join before b using (endpoint_id, kind)
    join provider v on v.id = n.provider_id
    join model m on m.id = n.model_id
    where w.kind = 'breaker' and n.for_ms > 0 and (w.is_new or b.until < now() - interval '1 hour' or (b.caller is not null and n.caller is null))`;

const CLEAR = `delete from endpoint_outage where endpoint_id = any($1::uuid[]) and kind = 'breaker'`;

const OUTAGES = `
  select o.endpoint_id as "endpointId", o.kind, o.place, o.reason, o.caller, o.process_id as "processId",
         e.model_id as "modelId", e.provider_id as "providerId", v.name as "providerName",
         (extract(epoch from o.until - now()) * 1000)::double precision as "forMs"
    from endpoint_outage o
    join model_endpoint e on e.id = o.endpoint_id
    join provider v on v.id = e.provider_id`;

const OF_PROVIDER = `
  select e.id as "endpointId", e.model_id as "modelId", v.id as "providerId", v.name as "providerName", v.base_url as "baseUrl",
         e.upstream_model as "upstreamModel"
    from model_endpoint e join provider v on v.id = e.provider_id
   where v.id = $1 and e.enabled`;

/** An endpoint of a provider. */
export interface ProviderEndpoint {
  endpointId: string;
  modelId: string;
  providerId: string;
  providerName: string;
  baseUrl: string;
  upstreamModel: string;
}

/** The outages of endpoints that all processes share. */
@Injectable()
export class EndpointOutageRepository {
  constructor(private readonly dataSource: DataSource) {}

  inTransaction<T>(work: (transaction: EntityManager) => Promise<T>): Promise<T> {
    return inTransaction(this.dataSource, work);
  }

  /** Adds or replaces notes; at most one of each endpoint and kind. @returns the breakers that were not open before. */
  write(processId: string, notes: readonly OutageNote[], transaction: EntityManager): Promise<OpenedBreaker[]> {
    const column = <Key extends keyof OutageNote>(key: Key): OutageNote[Key][] => notes.map((note) => note[key]);
    return transaction.query(WRITE, [
      processId,
      column('endpointId'),
      column('kind'),
      column('place'),
      column('reason'),
      column('forMs'),
      column('caller'),
    ]);
  }

  /** The breakers of these endpoints have closed. */
  async clear(endpointIds: readonly string[]): Promise<void> {
    if (endpointIds.length > 0) await this.dataSource.query(CLEAR, [endpointIds]);
  }

  /** Those that are not over. */
  all(): Promise<KnownOutage[]> {
    return this.dataSource.query(`${OUTAGES} where o.until > now()`);
  }

  /** The enabled endpoints of a provider. */
  ofProvider(providerId: string): Promise<ProviderEndpoint[]> {
    return this.dataSource.query(OF_PROVIDER, [providerId]);
  }

  /** Also those whose time is over: their breakers have not closed yet. */
  byEndpoints(endpointIds: readonly string[]): Promise<KnownOutage[]> {
    return this.dataSource.query(`${OUTAGES} where o.endpoint_id = any($1::uuid[])`, [endpointIds]);
  }
}
