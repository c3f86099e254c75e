import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import {
  HotConnectionFactory,
  STATEMENT_TIMEOUT_MS,
  toJsonb,
  type HotConnection,
} from '../../platform/database/index.js';
import { micros, type Micros } from '../../platform/money/index.js';
import type {
  CaptureResult,
  ExtendRequest,
  ExtendResult,
  FreezeRefusal,
  FreezeRequest,
  FreezeResult,
} from '../domain/freeze.js';
import type { Tier } from '../domain/tier.js';
import type { Lane } from '../micro-batcher.js';

/** Two statements in flight: one is served while the other one's commit reaches the disk. More only wait for each other. */
const LANES = 2;

export interface HeldRequest extends FreezeRequest {
  processId: string;
}

export interface CaptureRequest {
  accountId: string;
  id: string;
  /** JSON text of the outcome, ready for `jsonb`. */
  outcomeJson: string;
}

export type CaptureAnswer = CaptureResult | 'missing';

export type AvailableByTier = ReadonlyMap<Tier, Micros>;

interface BalanceRow {
  account_id: string;
  tier: Tier;
  available: bigint;
}

interface FreezeRow {
  refusal: FreezeRefusal | null;
  available: bigint | null;
  frozen: bigint | null;
  retry_after_s: number | null;
}

const FREEZE_ONE = `select * from wallet_freeze_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`;
const FREEZE_MANY = `select * from wallet_freeze_many($1, $2)`;
const EXTEND = `select * from wallet_extend($1, $2, $3, $4, $5)`;
const CAPTURE_ONE = `select wallet_capture_one($1, $2, $3) as result`;
const CAPTURE_MANY = `select wallet_capture_many($1) as result`;
const BALANCES = `select tier, available from wallet where account_id = $1`;
const BALANCES_MANY = `select account_id, tier, available from wallet where account_id = any($1::uuid[])`;
const FIND_HELD = `select w.available, w.frozen from wallet_freeze f join wallet w on w.account_id = f.account_id and w.tier = f.tier
  where f.account_id = $1 and f.id = $2 and f.process_id = $3 and f.amount = $4 and f.state = 'held'`;

/** The statements that every request runs, prepared on connections of their own. */
@Injectable()
export class HotStatements {
  private readonly freezing: readonly HotConnection[];
  private readonly capturing: readonly HotConnection[];
  private readonly extending: HotConnection;
  private readonly reading: HotConnection;

  constructor(connections: HotConnectionFactory, @Inject(CONFIG) config: Config) {
    this.freezing = Array.from({ length: LANES }, (_, at) => connections.create(`freeze ${at + 1}`));
    const captureMaxMs = Math.min(config.CAPTURE_RETRY_MS, STATEMENT_TIMEOUT_MS);
    this.capturing = Array.from({ length: LANES }, (_, at) => connections.create(`capture ${at + 1}`, captureMaxMs));
    this.extending = connections.create('extend');
    this.reading = connections.create('balance');
  }

  /** Ways to freeze. A batch is of one process. */
  freezeLanes(): Lane<HeldRequest, FreezeResult>[] {
    return this.freezing.map((connection) => ({
      one: async (request) => {
        const rows = await connection.query<FreezeRow>('wallet_freeze_one', FREEZE_ONE, freezeValues(request));
        return freezeAnswer(rows[0]);
      },
      many: async (requests) => {
        const values = [requests[0]?.processId, `[${requests.map(freezeJson).join(',')}]`];
        const rows = await connection.query<FreezeRow>('wallet_freeze_many', FREEZE_MANY, values);
        return rows.map(freezeAnswer);
      },
    }));
  }

  captureLanes(): Lane<CaptureRequest, CaptureAnswer>[] {
    return this.capturing.map((connection) => ({
      one: async ({ accountId, id, outcomeJson }) => {
        const values = [accountId, id, outcomeJson];
        const rows = await connection.query<{ result: CaptureAnswer }>('wallet_capture_one', CAPTURE_ONE, values);
        return rows[0]?.result ?? 'missing';
      },
      many: async (requests) => {
        const items = requests.map(
          ({ accountId, id, outcomeJson }) => `{"account_id":"${accountId}","id":"${id}","outcome":${outcomeJson}}`,
        );
        const values = [`[${items.join(',')}]`];
        const rows = await connection.query<{ result: CaptureAnswer }>('wallet_capture_many', CAPTURE_MANY, values);
        return rows.map((row) => row.result);
      },
    }));
  }

  /** Available credits of every tier of an account that has a wallet row. */
  balanceLane(): Lane<string, AvailableByTier> {
    return {
      one: async (accountId) => {
        const rows = await this.reading.query<BalanceRow>('wallet_balances', BALANCES, [accountId]);
        return new Map(rows.map((row) => [row.tier, micros(row.available)]));
      },
      many: async (accountIds) => {
        const found = new Map(accountIds.map((id) => [id, new Map<Tier, Micros>()]));
        const rows = await this.reading.query<BalanceRow>('wallet_balances_many', BALANCES_MANY, [[...found.keys()]]);
        for (const row of rows) found.get(row.account_id)?.set(row.tier, micros(row.available));
        return accountIds.map((id) => found.get(id) ?? new Map<Tier, Micros>());
      },
    };
  }

  /** Whether this very freeze is held already: its first statement took effect although its answer was lost. */
  async findHeld(request: HeldRequest): Promise<FreezeResult | null> {
    const values = [request.accountId, request.id, request.processId, request.amountMicros];
    const rows = await this.extending.query<FreezeRow>('wallet_find_held', FIND_HELD, values);
    return rows[0] === undefined ? null : freezeAnswer({ ...rows[0], refusal: null });
  }

  /** Extensions are not safe to run twice, so there is no batch of them. */
  extendLane(): Lane<ExtendRequest, ExtendResult> {
    return {
      one: async (request) => {
        const { limits } = request;
        const values = [request.accountId, request.id, request.extraMicros, limits.dailyMicros, limits.weeklyMicros];
        const [row] = await this.extending.query<FreezeRow>('wallet_extend', EXTEND, values);
        const frozenMicros = micros(row?.frozen ?? 0n);
        if (row?.refusal === null) return { ok: true, frozenMicros };
        return { ok: false, refusal: row?.refusal ?? 'freeze_ended', frozenMicros };
      },
      many: () => Promise.reject(new Error('extensions go one by one')),
    };
  }
}

function freezeValues(request: HeldRequest): unknown[] {
  const { limits } = request;
  return [
    request.processId,
    request.accountId,
    request.id,
    request.tier,
    request.apiKeyId,
    request.amountMicros,
    limits.dailyMicros,
    limits.weeklyMicros,
    limits.requestsPerMinute,
    limits.concurrency,
    request.modelId,
    request.priceId,
    request.clientRequestId,
    request.stream,
    toJsonb(request.facts),
  ];
}

function freezeJson(request: HeldRequest): string {
  const { limits } = request;
  return toJsonb({
    account_id: request.accountId,
    id: request.id,
    tier: request.tier,
    api_key_id: request.apiKeyId,
    amount: request.amountMicros.toString(),
    limit_daily: limits.dailyMicros?.toString(),
    limit_weekly: limits.weeklyMicros?.toString(),
    limit_rpm: limits.requestsPerMinute,
    limit_concurrency: limits.concurrency,
    model_id: request.modelId,
    price_id: request.priceId,
    client_request_id: request.clientRequestId,
    stream: request.stream,
    facts: request.facts,
  });
}

function freezeAnswer(row: FreezeRow | undefined): FreezeResult {
  if (row === undefined) throw new Error('the freeze function returned nothing');
  const availableMicros = micros(row.available ?? 0n);
  if (row.refusal === null) return { ok: true, availableMicros, frozenMicros: micros(row.frozen ?? 0n) };
  return { ok: false, refusal: row.refusal, availableMicros, retryAfterS: row.retry_after_s };
}
