import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import type { RequestTrace } from '../domain/trace.js';
import { RequestTraceEntity } from './request-trace.entity.js';

const INSERT = `insert into request_trace (request_id, client_request_id, account_id, api_key_id, status, stage, stages, created_at)
  select t."requestId", t."clientRequestId", t."accountId", t."apiKeyId", t.status, t.stage, t.stages,
      to_timestamp(t."createdAtMs" / 1000.0)
    from json_to_recordset($1) as t ("requestId" text, "clientRequestId" text, "accountId" uuid, "apiKeyId" uuid,
      status integer, stage text, stages json, "createdAtMs" double precision)
  on conflict do nothing`;

/** A row found by either id, and how many requests share the id. */
export interface Found<T> {
  newest: T;
  matches: number;
}

@Injectable()
export class TraceRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * Writes many traces in one statement; those that are there already stay.
   * @param traces JSON text of each `RequestTrace`, as `toJsonb` writes it.
   */
  async insert(traces: readonly string[]): Promise<void> {
    await this.dataSource.query(INSERT, [`[${traces.join(',')}]`]);
  }

  async findById(requestId: string): Promise<RequestTrace | null> {
    const row = await this.dataSource.getRepository(RequestTraceEntity).findOneBy({ requestId });
    return row === null ? null : traceOf(row);
  }

  /** The newest request with a client id, within one key when it is given. */
  async findByClientId(clientRequestId: string, apiKeyId: string | null): Promise<Found<RequestTrace> | null> {
    const where = apiKeyId === null ? { clientRequestId } : { clientRequestId, apiKeyId };
    const [[newest], matches] = await this.dataSource
      .getRepository(RequestTraceEntity)
      .findAndCount({ where, order: { requestId: 'DESC' }, take: 1 });
    return newest === undefined ? null : { newest: traceOf(newest), matches };
  }
}

function traceOf(row: RequestTraceEntity): RequestTrace {
  return {
    requestId: row.requestId,
    clientRequestId: row.clientRequestId,
    accountId: row.accountId,
    apiKeyId: row.apiKeyId,
    status: row.status,
    stage: row.stage,
    stages: row.stages,
    createdAtMs: row.createdAt.getTime(),
  };
}
