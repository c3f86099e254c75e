import { randomBytes } from 'node:crypto';
import { Test, type TestingModule } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { AnalyticsModule } from '../../src/analytics/index.js';
import {
  CorrectionService,
  ExplainService,
  priceOf,
  ReRateService,
  ReceiptService,
  RequestTraces,
  SettlementQueue,
  SettlementService,
  UsageService,
  type Outcome,
} from '../../src/billing/index.js';
import { readConfig } from '../../src/platform/config/index.js';
import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { micros, type Micros } from '../../src/platform/money/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import { differenceLine, LedgerVerifier, ReconciliationModule } from '../../src/reconciliation/index.js';
import type { TokenUsage } from '../../src/provider/index.js';
import {
  SealService,
  TIERS,
  WalletService,
  type FreezeRequest,
  type KeyLimits,
  type Tier,
} from '../../src/wallet/index.js';
import { auditLedger } from './audit.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { PATIENCE_MS } from './poll.js';

export const NO_LIMITS: KeyLimits = {
  dailyMicros: null,
  weeklyMicros: null,
  requestsPerMinute: null,
  concurrency: null,
};

/** Micro-credits a million tokens: one micro-credit a token of input, two a token of output. */
export const RATES = {
  inputPerMtok: micros(1_000_000n),
  outputPerMtok: micros(2_000_000n),
  cacheReadPerMtok: micros(500_000n),
  cacheWritePerMtok: micros(1_500_000n),
};

export interface MoneyWorldOptions {
  /** Settlement jobs and sweeper run by themselves. */
  workers?: boolean;
  redisUrl?: string | undefined;
  /** A second application on the same database. */
  database?: TestDatabase;
  /** More settings of the application. */
  settings?: Record<string, string>;
}

/** Wallet and billing on a database of their own, without any door. */
export class MoneyWorld {
  readonly modelId = newId();
  readonly priceId = newId();

  private constructor(
    readonly database: TestDatabase,
    readonly app: TestingModule,
    private readonly ownsDatabase: boolean,
  ) {}

  static async start(options: MoneyWorldOptions = {}): Promise<MoneyWorld> {
    const database = options.database ?? (await createTestDatabase());
    const config = readConfig({
      DATABASE_URL: database.url,
      HASH_SECRETS: `1:${randomBytes(32).toString('base64')}`,
      ENCRYPTION_SECRETS: `1:${randomBytes(32).toString('base64')}`,
      LOG_LEVEL: process.env['TEST_LOG_LEVEL'] ?? 'silent',
      WORKERS_ENABLED: String(options.workers ?? false),
      DATABASE_POOL_MAX: '4',
      CAPTURE_RETRY_MS: PATIENCE_MS.toString(),
      REDIS_URL: options.redisUrl,
      ...options.settings,
    });
    const app = await Test.createTestingModule({
      imports: [PlatformModule.forRoot(config, 'test'), ReconciliationModule, AnalyticsModule],
    }).compile();
    await app.init();
    const world = new MoneyWorld(database, app, options.database === undefined);
    await world.makeModel();
    return world;
  }

  get wallets(): WalletService {
    return this.app.get(WalletService);
  }
  get seals(): SealService {
    return this.app.get(SealService, { strict: false });
  }
  get settlement(): SettlementService {
    return this.app.get(SettlementService);
  }
  get settlementQueue(): SettlementQueue {
    return this.app.get(SettlementQueue);
  }
  get usage(): UsageService {
    return this.app.get(UsageService);
  }
  get receipts(): ReceiptService {
    return this.app.get(ReceiptService);
  }
  get corrections(): CorrectionService {
    return this.app.get(CorrectionService);
  }
  get reRate(): ReRateService {
    return this.app.get(ReRateService);
  }
  get traces(): RequestTraces {
    return this.app.get(RequestTraces);
  }
  get explanations(): ExplainService {
    return this.app.get(ExplainService);
  }
  get verifier(): LedgerVerifier {
    return this.app.get(LedgerVerifier);
  }
  get sql(): DataSource {
    return this.app.get(DataSource);
  }

  /** Differences in the books, as the tests' own audit and as the product's verification see them; none when they are right. */
  async audit(): Promise<string[]> {
    const { differences } = await this.verifier.verify();
    return [...(await auditLedger(this.sql)), ...differences.map(differenceLine)];
  }

  /** Stops the application, and removes the database unless it was brought along. */
  async stop(): Promise<void> {
    await this.app.close();
    if (this.ownsDatabase) await this.database.drop();
  }

  /** A new account with credits (decimal micro-credits) in every tier. */
  async account(credits: bigint): Promise<string> {
    const accountId = newId();
    await this.sql.query(`insert into account (id, kind, name) values ($1, 'personal', 'test')`, [accountId]);
    for (const tier of TIERS) {
      if (credits === 0n) break;
      await this.wallets.topUp({
        accountId,
        tier,
        amountMicros: micros(credits),
        note: 'test',
        idempotencyKey: newId(),
      });
    }
    await this.wallets.ensureWallets(accountId, this.sql);
    return accountId;
  }

  freezeRequest(accountId: string, amount: bigint, changes: Partial<FreezeRequest> = {}): FreezeRequest {
    return {
      id: newRequestId(),
      clientRequestId: 'client-1',
      accountId,
      tier: 'standard',
      apiKeyId: accountId,
      amountMicros: micros(amount),
      limits: NO_LIMITS,
      modelId: this.modelId,
      priceId: this.priceId,
      stream: false,
      facts: { modelKey: 'test/model', usdPerCreditMicros: '10000' },
      ...changes,
    };
  }

  /** An outcome that costs two micro-credits an output token. */
  outcome(outputTokens: number, changes: Partial<Outcome> = {}): Outcome {
    const usage: TokenUsage = { inputTokens: 0, outputTokens, cachedInputTokens: 0, cachedOutputTokens: 0 };
    return {
      disposition: 'charge',
      reason: 'complete',
      usage,
      usageSource: 'provider',
      creditsUsedMicros: priceOf(changes.usage ?? usage, RATES).toString(),
      priceId: this.priceId,
      providerCostUsdMicros: '3',
      providerName: 'acme',
      endpointId: newId(),
      attempts: [],
      rescued: null,
      firstTokenMs: null,
      durationMs: 12,
      status: 200,
      ...changes,
    };
  }

  async balance(accountId: string, tier: Tier = 'standard'): Promise<{ available: Micros; frozen: Micros }> {
    const wallet = (await this.wallets.balances(accountId)).find((candidate) => candidate.tier === tier);
    return { available: wallet?.availableMicros ?? micros(-1n), frozen: wallet?.frozenMicros ?? micros(-1n) };
  }

  private async makeModel(): Promise<void> {
    await this.sql.query(
      `insert into model (id, model_key, display_name, tier, context_window, max_output_tokens)
        values ($1, $2, 'Test', 'standard', 1000, 1000)`,
      [this.modelId, `test/${this.modelId}`],
    );
    const rates = [RATES.inputPerMtok, RATES.outputPerMtok, RATES.cacheReadPerMtok, RATES.cacheWritePerMtok].map(
      String,
    );
    await this.sql.query(
      `insert into model_price (id, model_id, version, input_per_mtok, output_per_mtok, cache_read_per_mtok, cache_write_per_mtok)
        values ($1, $2, 1, $3, $4, $5, $6)`,
      [this.priceId, this.modelId, ...rates],
    );
  }
}
