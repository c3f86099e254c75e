import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { OutageKind } from './endpoint-outage.entity.js';

/** What this process has seen. Times are spans: clocks of machines differ. */
export interface OutageNote {
  endpointId: string;
  kind: OutageKind;
  place: string;
  reason: string;
  /** From now on; not above 0 when it is over. */
  forMs: number;
}

/** What some process has seen. */
export interface KnownOutage extends OutageNote {
  processId: string;
  providerId: string;
  providerName: string;
}

/** Endpoints that are gone are left out: a late note of one must not fail the others. */
const WRITE = `
  insert into endpoint_outage (endpoint_id, kind, place, reason, process_id, until)
  select e.id, n.kind, n.place, n.reason, $1, now() + n.for_ms * interval '1 millisecond'
    from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::double precision[])
      as n (endpoint_id, kind, place, reason, for_ms)
    join model_endpoint e on e.id = n.endpoint_id
    order by e.id, n.kind
  on conflict (endpoint_id, kind) do update
    set place = excluded.place, reason = excluded.reason, process_id = excluded.process_id, until = excluded.until,
        updated_at = now()`;

const CLEAR = `delete from endpoint_outage where endpoint_id = any($1::uuid[]) and kind = 'breaker'`;

const OUTAGES = `
  select o.endpoint_id as "endpointId", o.kind, o.place, o.reason, o.process_id as "processId",
         e.provider_id as "providerId", v.name as "providerName",
         (extract(epoch from o.until - now()) * 1000)::double precision as "forMs"
    from endpoint_outage o
    join model_endpoint e on e.id = o.endpoint_id
    join provider v on v.id = e.provider_id`;

const OF_PROVIDER = `
  select e.id as "endpointId", v.id as "providerId", v.name as "providerName", v.base_url as "baseUrl",
         e.upstream_model as "upstreamModel"
    from model_endpoint e join provider v on v.id = e.provider_id
   where v.id = $1 and e.enabled`;

/** An endpoint of a provider. */
export interface ProviderEndpoint {
  endpointId: string;
  providerId: string;
  providerName: string;
  baseUrl: string;
  upstreamModel: string;
}

/** The outages of endpoints that all processes share. */
@Injectable()
export class EndpointOutageRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Adds or replaces notes; at most one of each endpoint and kind. */
  async write(processId: string, notes: readonly OutageNote[]): Promise<void> {
    if (notes.length === 0) return;
    const column = <Key extends keyof OutageNote>(key: Key): OutageNote[Key][] => notes.map((note) => note[key]);
    await this.dataSource.query(WRITE, [
      processId,
      column('endpointId'),
      column('kind'),
      column('place'),
      column('reason'),
      column('forMs'),
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
