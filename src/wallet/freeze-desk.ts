import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONFIG, type Config } from '../platform/config/index.js';
import { toJsonb } from '../platform/database/index.js';
import { AppError } from '../platform/errors/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import {
  Counter,
  counterFamily,
  Gauge,
  histogramFamily,
  METRICS,
  type CounterSeries,
  type Family,
  type Registry,
} from '../platform/metrics/index.js';
import type { CaptureResult, ExtendRequest, ExtendResult, FreezeRequest, FreezeResult } from './domain/freeze.js';
import { isUnavailable, MicroBatcher } from './micro-batcher.js';
import {
  HotStatements,
  type AvailableByTier,
  type CaptureAnswer,
  type CaptureRequest,
  type HeldRequest,
} from './persistence/hot-statements.js';
import { ProcessLease } from './process-lease.js';

/** Two statements at once wait for each other's wallets, and two half batches cost more than a whole one. */
const BATCH = { batchMax: 256, queueMax: 10_000, secondLaneMin: 64 };
const FREEZE_WAIT_MS = 5_000;
/** A freeze is tried again for this long when the database goes away under it. */
const FREEZE_RETRY_MS = 500;
const RETRY_PAUSE_MS = 50;
const UNIQUE_VIOLATION = '23505';

/** The hot path of the wallet: freezes, extensions and captures through shared statements. */
@Injectable()
export class FreezeDesk {
  private readonly freezes: MicroBatcher<HeldRequest, FreezeResult>;
  private readonly captures: MicroBatcher<CaptureRequest, CaptureAnswer>;
  private readonly extensions: MicroBatcher<ExtendRequest, ExtendResult>;
  private readonly balances: MicroBatcher<string, AvailableByTier>;
  private readonly captured: Family<CounterSeries>;
  private readonly lost: Counter;

  constructor(
    private readonly statements: HotStatements,
    private readonly lease: ProcessLease,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
    @Inject(CONFIG) private readonly config: Config,
  ) {
    const batchSizes = histogramFamily({
      name: 'wallet_batch_size',
      help: 'Requests that shared one statement.',
      labelNames: ['statement'],
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registry: metrics,
    });
    const onBatch = (statement: string) => (size: number) => batchSizes.of(statement).observe(size);
    this.freezes = new MicroBatcher(statements.freezeLanes(), { ...BATCH, waitMs: FREEZE_WAIT_MS }, onBatch('freeze'));
    this.captures = new MicroBatcher(
      statements.captureLanes(),
      { ...BATCH, waitMs: config.CAPTURE_RETRY_MS, answersCount: true },
      onBatch('capture'),
    );
    this.extensions = new MicroBatcher([statements.extendLane()], { ...BATCH, batchMax: 1, waitMs: FREEZE_WAIT_MS });
    this.balances = new MicroBatcher([statements.balanceLane()], { ...BATCH, waitMs: FREEZE_WAIT_MS });
    this.captured = counterFamily({
      name: 'wallet_captures_total',
      help: 'Outcomes written onto freezes, by what was found there.',
      labelNames: ['result'],
      registry: metrics,
    });
    this.lost = new Counter({
      name: 'wallet_captures_lost_total',
      help: 'Outcomes that could not be made durable; their freezes expire uncharged.',
      registers: [metrics],
    });
    const { freezes, captures, extensions } = this;
    new Gauge({
      name: 'wallet_waiting',
      help: 'Callers that wait for a wallet statement.',
      labelNames: ['statement'],
      registers: [metrics],
      collect() {
        this.set({ statement: 'freeze' }, freezes.openCount);
        this.set({ statement: 'capture' }, captures.openCount);
        this.set({ statement: 'extend' }, extensions.openCount);
      },
    });
  }

  /** @throws AppError `unavailable`; nothing stays frozen then. */
  async freeze(request: FreezeRequest): Promise<FreezeResult> {
    const held: HeldRequest = { ...request, processId: this.lease.processId };
    const untilMs = performance.now() + FREEZE_RETRY_MS;
    for (;;) {
      try {
        return await this.freezes.submit(held);
      } catch (error) {
        const found = stateOf(error) === UNIQUE_VIOLATION ? await this.statements.findHeld(held) : null;
        if (found !== null) return found;
        if (!isUnavailable(error) || performance.now() > untilMs) {
          this.lease.giveUp(request.accountId, request.id);
          throw error;
        }
        await sleep(RETRY_PAUSE_MS);
      }
    }
  }

  /** What the rows say now. @throws AppError `unavailable`. */
  available(accountId: string): Promise<AvailableByTier> {
    return this.balances.submit(accountId);
  }

  /** All or nothing. @throws AppError `unavailable`; an extension that took effect unseen goes back with the settlement. */
  extend(request: ExtendRequest): Promise<ExtendResult> {
    return this.extensions.submit(request);
  }

  /**
   * Returns when the outcome is on disk. A statement that runs is waited for, the server ends it in time: a caller who was told
   * of a failure would else be charged after all.
   * @throws AppError `unavailable` when that did not succeed in time: the loss is counted and the freeze expires.
   */
  async capture(accountId: string, id: string, outcome: object): Promise<CaptureResult> {
    const request = { accountId, id, outcomeJson: toJsonb(outcome) };
    const result = await this.captureWithRetry(request);
    this.captured.of(result).add();
    if (result === 'missing') throw new AppError('internal', 'internal error', { detail: `no freeze ${id}` });
    if (result === 'drift') this.logger.error({ request_id: id }, 'a second, different outcome was refused');
    return result;
  }

  private async captureWithRetry(request: CaptureRequest): Promise<CaptureAnswer> {
    const untilMs = performance.now() + this.config.CAPTURE_RETRY_MS;
    for (;;) {
      try {
        return await this.captures.submit(request);
      } catch (error) {
        if (isUnavailable(error) && performance.now() < untilMs) {
          await sleep(RETRY_PAUSE_MS);
          continue;
        }
        this.lost.inc();
        this.lease.giveUp(request.accountId, request.id);
        this.logger.error({ request_id: request.id, error: String(error) }, 'an outcome was lost');
        throw error;
      }
    }
  }
}

/** SQLSTATE of a driver error. */
function stateOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
