import { Injectable } from '@nestjs/common';
import { AppError } from '../platform/errors/index.js';
import { usdMicros } from '../platform/money/index.js';
import { RouterService } from '../router/index.js';
import { accountClosed, WalletService } from '../wallet/index.js';
import {
  correctedUsage,
  isRepetition,
  saysTheSame,
  type Correction,
  type CorrectionRequest,
} from './domain/correction.js';
import type { UsageRecord } from './domain/usage.js';
import { CorrectionRepository, type CorrectionResult } from './persistence/correction.repository.js';
import { UsageRepository } from './persistence/usage.repository.js';

/** Two operators may correct one request at the same moment; more than that is no accident. */
const TRIES_MAX = 5;

export interface CorrectionAnswer {
  correction: Correction;
  /** The record as it is now. */
  record: UsageRecord;
  /** The same correction had been made before; nothing changed now. */
  replayed: boolean;
}

/** Puts settled requests right: a ledger row that gives the charge back, and one that charges what is right. */
@Injectable()
export class CorrectionService {
  constructor(
    private readonly corrections: CorrectionRepository,
    private readonly usage: UsageRepository,
    private readonly wallets: WalletService,
    private readonly router: RouterService,
  ) {}

  /**
   * Corrects tokens, price version or both; the amounts are calculated. Charged is what the wallet can pay, the rest is a
   * shortfall. The quota window of the request follows.
   * @throws AppError `not_found`, `conflict` (`not_correctable`, `account_closed`, `idempotency_conflict`), `unprocessable`
   * (`correction_unchanged`, `unknown_reference`).
   */
  async correct(request: CorrectionRequest): Promise<CorrectionAnswer> {
    let isDone = false;
    for (let attempt = 0; attempt < TRIES_MAX; attempt++) {
      const record = await this.read(request.requestId);
      const made = await this.corrections.findByKey(record.accountId, request.idempotencyKey);
      if (made !== null) {
        assertRepeated(made, request);
        return { correction: made, record, replayed: !isDone };
      }
      const result = await this.correctOnce(record, request);
      isDone = result === 'corrected';
      if (result === 'not_settled') throw notCorrectable(record);
      if (result === 'account_closed') throw accountClosed();
    }
    throw new AppError('conflict', 'the request is being corrected by others', { code: 'conflict' });
  }

  /**
   * Corrections of a request in their order.
   * @throws AppError `not_found`.
   */
  async list(requestId: string): Promise<Correction[]> {
    const record = await this.read(requestId);
    return this.corrections.list(record.accountId, requestId);
  }

  private async correctOnce(record: UsageRecord, request: CorrectionRequest): Promise<CorrectionResult> {
    if (record.status !== 'settled') return 'not_settled';
    const price = await this.router.priceById(request.priceId ?? record.priceId);
    if (price?.modelId !== record.modelId) {
      throw new AppError('unprocessable', 'price_id names no price version of this model', {
        code: 'unknown_reference',
        param: 'price_id',
      });
    }
    const freeze = await this.wallets.findFreeze(record.accountId, record.requestId);
    const rate = freeze?.facts['usdPerCreditMicros'];
    const usdPerCredit = usdMicros(BigInt(typeof rate === 'string' ? rate : 0));
    const after = correctedUsage(record, request, price, usdPerCredit);
    if (saysTheSame(record, after)) {
      throw new AppError('unprocessable', 'the record says this already', { code: 'correction_unchanged' });
    }
    return this.corrections.correct(record, after, request);
  }

  private async read(requestId: string): Promise<UsageRecord> {
    const record = await this.usage.findById(requestId);
    if (record !== null) return record;
    throw new AppError('not_found', 'no such request', {
      code: 'request_not_found',
      hint: 'Use the value of X-DAOE-Request-ID; a request without a record has not been settled yet.',
    });
  }
}

/** A key stands for one correction of the account. */
function assertRepeated(made: Correction, request: CorrectionRequest): void {
  if (isRepetition(made, request)) return;
  throw new AppError('conflict', 'the idempotency key was used for another correction of this account', {
    code: 'idempotency_conflict',
    hint: 'Use a new Idempotency-Key for a new correction.',
  });
}

function notCorrectable(record: UsageRecord): AppError {
  return new AppError('conflict', `a request that is ${record.status} cannot be corrected`, {
    code: 'not_correctable',
    hint: 'Nothing was charged for it; use an adjustment of the wallet.',
  });
}
