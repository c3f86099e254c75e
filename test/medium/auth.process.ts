import { Test, type TestingModule } from '@nestjs/testing';
import {
  AccountService,
  AdminTokenRegistry,
  AdminTokenService,
  AuthModule,
  FailedLogins,
  KeyService,
} from '../../src/auth/index.js';
import { ChangeFeed } from '../../src/platform/changes/index.js';
import { Clock } from '../../src/platform/clock/index.js';
import { readConfig } from '../../src/platform/config/index.js';
import { AppError } from '../../src/platform/errors/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import { PolicyModule, PolicyService } from '../../src/policy/index.js';
import { WalletModule, WalletService } from '../../src/wallet/index.js';

/** The first numbered secret of every process here. */
export const HASH_SECRET_1 = `1:${Buffer.alloc(32, 1).toString('base64')}`;
export const HASH_SECRET_2 = `2:${Buffer.alloc(32, 2).toString('base64')}`;

/** Real time plus what a test adds to it. */
export class MovableClock extends Clock {
  aheadMs = 0;

  override nowMs(): number {
    return Date.now() + this.aheadMs;
  }
}

/** The modules auth, policy and wallet as one process has them, without a door. Several of them share a database. */
export class AuthProcess {
  readonly keys: KeyService;
  readonly accounts: AccountService;
  readonly adminTokens: AdminTokenService;
  readonly registry: AdminTokenRegistry;
  readonly policies: PolicyService;
  readonly wallets: WalletService;
  readonly changes: ChangeFeed;
  readonly failures: FailedLogins;

  private constructor(
    private readonly app: TestingModule,
    readonly clock: MovableClock,
  ) {
    this.keys = app.get(KeyService);
    this.accounts = app.get(AccountService);
    this.adminTokens = app.get(AdminTokenService);
    this.registry = app.get(AdminTokenRegistry);
    this.policies = app.get(PolicyService);
    this.wallets = app.get(WalletService);
    this.changes = app.get(ChangeFeed);
    this.failures = app.get(FailedLogins);
  }

  static async start(databaseUrl: string, settings: Record<string, string> = {}): Promise<AuthProcess> {
    const config = readConfig({
      DATABASE_URL: databaseUrl,
      HASH_SECRETS: HASH_SECRET_1,
      ENCRYPTION_SECRETS: HASH_SECRET_1,
      LOG_LEVEL: 'silent',
      ...settings,
    });
    const clock = new MovableClock();
    const app = await Test.createTestingModule({
      imports: [PlatformModule.forRoot(config, 'gateway'), AuthModule, PolicyModule, WalletModule],
    })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    await app.init();
    return new AuthProcess(app, clock);
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}

/** What a call was refused with. */
export async function refusalOf(call: Promise<unknown> | (() => unknown)): Promise<AppError> {
  try {
    await (typeof call === 'function' ? call() : call);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the call was not refused');
}
