import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, type SelectQueryBuilder } from 'typeorm';
import { requestIdFloor, REQUEST_ID_PREFIX } from '../../platform/ids/index.js';
import { FIRST_ERROR_STATUS, type RefusedRequest, type RequestFilter } from '../domain/request-search.js';
import type { RequestTrace } from '../domain/trace.js';
import { RequestTraceEntity } from './request-trace.entity.js';

const INSERT = `insert into request_trace (request_id, client_request_id, account_id, api_key_id, status, stage, model, stages, created_at)
  select t."requestId", t."clientRequestId", t."accountId", t."apiKeyId", t.status, t.stage, t.model, t.stages,
      to_timestamp(t."createdAtMs" / 1000.0)
    from json_to_recordset($1) as t ("requestId" text, "clientRequestId" text, "accountId" uuid, "apiKeyId" uuid,
      status integer, stage text, model text, stages json, "createdAtMs" double precision)
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

  /** The newest request with a client id that never froze credits, within one key when it is given. */
  async findByClientId(clientRequestId: string, apiKeyId: string | null): Promise<Found<RequestTrace> | null> {
    const query = this.dataSource
      .getRepository(RequestTraceEntity)
      .createQueryBuilder('t')
      .where('t.clientRequestId = :clientRequestId', { clientRequestId })
      .andWhere('not exists (select from wallet_freeze f where f.account_id = t.account_id and f.id = t.request_id)');
    if (apiKeyId !== null) query.andWhere('t.apiKeyId = :apiKeyId', { apiKeyId });
    const [[newest], matches] = await query.orderBy('t.requestId', 'DESC').take(1).getManyAndCount();
    return newest === undefined ? null : { newest: traceOf(newest), matches };
  }

  /** Refused and failed requests, newest first, below `beforeId` when it is given. */
  async listRefused(filter: RequestFilter, limit: number, beforeId: string | null): Promise<RefusedRequest[]> {
    // A literal, because the planner must see that the partial indexes answer the question.
    const isRefused = `t.status >= ${FIRST_ERROR_STATUS.toString()}`;
    const query = this.dataSource.getRepository(RequestTraceEntity).createQueryBuilder('t').where(isRefused);
    narrow(query, filter);
    if (beforeId !== null) query.andWhere('t.requestId < :beforeId', { beforeId });
    return (await query.orderBy('t.requestId', 'DESC').take(limit).getMany()).map(refusedOf);
  }

  /** Those of some requests whose trace says that they were refused or failed. */
  async refusedAmong(requestIds: readonly string[]): Promise<Set<string>> {
    const sql = `select request_id from request_trace where request_id = any($1) and status >= $2`;
    const rows: { request_id: string }[] = await this.dataSource.query(sql, [requestIds, FIRST_ERROR_STATUS]);
    return new Set(rows.map((row) => row.request_id));
  }
}

function narrow(query: SelectQueryBuilder<RequestTraceEntity>, filter: RequestFilter): void {
  const { requestId, apiKeyId, accountId, status, stage, model, from, to } = filter;
  if (requestId !== undefined) {
    const column = requestId.startsWith(REQUEST_ID_PREFIX) ? 't.requestId' : 't.clientRequestId';
    query.andWhere(`${column} = :requestId`, { requestId });
  }
  if (apiKeyId !== undefined) query.andWhere('t.apiKeyId = :apiKeyId', { apiKeyId });
  if (accountId !== undefined) query.andWhere('t.accountId = :accountId', { accountId });
  if (status !== undefined)
    query.andWhere('t.status between :least and :most', { least: status.from, most: status.to });
  if (stage !== undefined) query.andWhere('t.stage = :stage', { stage });
  if (model !== undefined) query.andWhere('t.model = :model', { model });
  // Ids are in order of time, so a time is a range of the index that the list is read from.
  if (from !== undefined) query.andWhere('t.requestId >= :from', { from: requestIdFloor(from.getTime()) });
  if (to !== undefined) query.andWhere('t.requestId < :to', { to: requestIdFloor(to.getTime()) });
}

function refusedOf(row: RequestTraceEntity): RefusedRequest {
  const { requestId, clientRequestId, accountId, apiKeyId, status, stage, model, createdAt } = row;
  const error = row.stages.find((record) => record.stage === stage)?.['error'];
  const code = typeof error === 'string' ? error : null;
  return { requestId, clientRequestId, accountId, apiKeyId, status, stage, error: code, model, createdAt };
}

function traceOf(row: RequestTraceEntity): RequestTrace {
  return {
    requestId: row.requestId,
    clientRequestId: row.clientRequestId,
    accountId: row.accountId,
    apiKeyId: row.apiKeyId,
    status: row.status,
    stage: row.stage,
    model: row.model,
    stages: row.stages,
    createdAtMs: row.createdAt.getTime(),
  };
}
