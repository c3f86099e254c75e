import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { inTransaction } from '../../platform/database/index.js';
import { requestIdFloor } from '../../platform/ids/index.js';
import { usdMicros } from '../../platform/money/index.js';
import type { DayUse } from '../domain/statement.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const DELETE_DAYS = `delete from provider_statement_line where provider_id = $1 and day = any($2::date[])`;
const INSERT = `
  insert into provider_statement_line (provider_id, day, upstream_model, requests, cost_usd)
    select $1, l.day, l.model, l.requests, l.cost from unnest($2::date[], $3::text[], $4::bigint[], $5::bigint[])
      as l (day, model, requests, cost)`;

const THEIRS = `
  select day::text, upstream_model as model, requests, cost_usd as cost from provider_statement_line
    where provider_id = $1 and day between $2 and $3 order by day, upstream_model`;

/**
 * Our usage records of a provider by day and by the provider's own name of the model, on days of which there is a statement. An
 * attempt that another one had to go on with is on the statement of its own provider, and not on that of the one that served.
 * Request ids are in order of time, which makes a range of days a range of an index; the day is the database's.
 */
const OURS = `
  select day::text, model, count(*) as requests, sum(cost) as cost from (
    select (u.created_at at time zone 'utc')::date as day, greatest(0, u.provider_cost_usd - abandoned.cost) as cost,
        coalesce(served.name, e.upstream_model, u.model_key) as model
      from usage_record u
      left join model_endpoint e on e.id::text = u.outcome ->> 'endpointId'
      left join lateral (select a ->> 'upstreamModel' as name from jsonb_array_elements(u.outcome -> 'attempts') a
        where a ->> 'endpointId' = u.outcome ->> 'endpointId' order by a -> 'failure' = 'null' desc limit 1) served on true
      cross join lateral (select coalesce(sum((a ->> 'costUsdMicros')::bigint), 0) as cost
        from jsonb_array_elements(u.outcome -> 'attempts') a) abandoned
      where u.request_id >= $4 and u.request_id < $5 and u.outcome is not null
        and (e.provider_id = $1 or (e.id is null and u.provider = (select name from provider where id = $1)))
        and u.provider is not null
    union all
    select (u.created_at at time zone 'utc')::date, (a ->> 'costUsdMicros')::bigint, a ->> 'upstreamModel'
      from usage_record u cross join lateral jsonb_array_elements(u.outcome -> 'attempts') a
      left join model_endpoint e on e.id::text = a ->> 'endpointId'
      where u.request_id >= $4 and u.request_id < $5 and u.outcome is not null and a ? 'costUsdMicros'
        and (e.provider_id = $1 or (e.id is null and a ->> 'provider' = (select name from provider where id = $1)))) uses
    where day between $2 and $3
      and day in (select day from provider_statement_line where provider_id = $1 and day between $2 and $3)
    group by day, model`;

const PROVIDERS = `
  select distinct p.id, p.name from provider p join provider_statement_line l on l.provider_id = p.id
    where l.day between $1 and $2 order by p.name`;

interface UseRow {
  day: string;
  model: string;
  requests: string;
  cost: string;
}

/** Days from one to another, both included, `YYYY-MM-DD` in UTC. */
export interface Days {
  first: string;
  last: string;
}

/** What providers say, and what our usage records say about the same days. */
@Injectable()
export class StatementRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Replaces what was imported before for the days of the lines. */
  async replace(providerId: string, lines: readonly DayUse[]): Promise<void> {
    const days = lines.map(({ day }) => day);
    await inTransaction(this.dataSource, async (transaction) => {
      await transaction.query(DELETE_DAYS, [providerId, [...new Set(days)]]);
      await transaction.query(INSERT, [
        providerId,
        days,
        lines.map(({ model }) => model),
        lines.map(({ requests }) => requests),
        lines.map(({ costMicros }) => costMicros.toString()),
      ]);
    });
  }

  async theirs(providerId: string, { first, last }: Days): Promise<DayUse[]> {
    return (await this.dataSource.query<UseRow[]>(THEIRS, [providerId, first, last])).map(useOf);
  }

  async ours(providerId: string, { first, last }: Days): Promise<DayUse[]> {
    // The clocks of a gateway and of the database may be a little apart.
    const from = requestIdFloor(Date.parse(first) - HOUR_MS);
    const to = requestIdFloor(Date.parse(last) + DAY_MS + HOUR_MS);
    return (await this.dataSource.query<UseRow[]>(OURS, [providerId, first, last, from, to])).map(useOf);
  }

  /** Providers with a statement about some of the days. */
  async providersWithStatements({ first, last }: Days): Promise<{ id: string; name: string }[]> {
    return this.dataSource.query(PROVIDERS, [first, last]);
  }
}

function useOf({ day, model, requests, cost }: UseRow): DayUse {
  return { day, model, requests: Number(requests), costMicros: usdMicros(BigInt(cost)) };
}
