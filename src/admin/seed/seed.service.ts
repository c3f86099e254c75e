import { Inject, Injectable } from '@nestjs/common';
import { AdminTokenService } from '../../auth/index.js';
import { ChangeFeed } from '../../platform/changes/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AppError } from '../../platform/errors/index.js';
import { SeedNotesRepository, type SeedNotes } from '../persistence/seed-notes.repository.js';
import { DemoSeed, type DemoNote } from './demo-seed.js';
import { PoolSeed } from './pool-seed.js';
import { vendorsOf } from './vendors.js';

/** What a start has made, and what it found. */
export interface SeedReport {
  /** Plain text of the first admin token, made now; `null` when there was one or ADMIN_TOKEN is set. */
  adminToken: string | null;
  /** Plain text of the demo key, made now; `null` when there is no demo data or it was there before. */
  apiKey: string | null;
  /** The account of the demo key, from this start or an earlier one. */
  demoAccountId: string | null;
}

const DEMO_NOTE = 'demo_seed';

/** What a database needs before anybody can use it, made once, however many processes start at the same time. */
@Injectable()
export class SeedService {
  constructor(
    private readonly notes: SeedNotesRepository,
    private readonly tokens: AdminTokenService,
    private readonly demo: DemoSeed,
    private readonly pool: PoolSeed,
    private readonly changes: ChangeFeed,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Makes the first admin token, the demo data where they are wanted, and applies vendor keys of the environment; not those of
   * providers that a pool file declares: the file says all about them.
   * @throws RefusedSettingError when the base URL of a vendor is refused.
   */
  async run(wanted: { demo: boolean; declaredProviders: readonly string[] }): Promise<SeedReport> {
    const report = await this.notes.exclusively(async (notes) => {
      const demo = await this.seedDemo(notes, wanted.demo);
      await this.applyVendors(wanted.declaredProviders);
      // Last: what is made here is shown once, so nothing may fail after it.
      return { ...demo, adminToken: await this.tokens.ensureBootstrap() };
    });
    await this.changes.catchUp();
    return report;
  }

  private async seedDemo(notes: SeedNotes, wanted: boolean): Promise<Pick<SeedReport, 'apiKey' | 'demoAccountId'>> {
    const note = (await notes.find(DEMO_NOTE)) as DemoNote | null;
    if (note !== null) return { apiKey: null, demoAccountId: note.accountId };
    if (!wanted) return { apiKey: null, demoAccountId: null };
    const { apiKey, ...made } = await this.demo.make();
    await notes.put(DEMO_NOTE, made);
    return { apiKey, demoAccountId: made.accountId };
  }

  private async applyVendors(declared: readonly string[]): Promise<void> {
    for (const { setting, provider, pool } of vendorsOf(this.config)) {
      if (declared.includes(provider.name)) continue;
      try {
        await this.pool.ensure(provider, pool);
      } catch (error) {
        throw error instanceof AppError && error.kind === 'unprocessable'
          ? new RefusedSettingError(setting, error)
          : error;
      }
    }
  }
}

/** A setting that only the application could judge. */
export class RefusedSettingError extends Error {
  override readonly name = 'RefusedSettingError';

  constructor(
    readonly setting: string,
    why: AppError,
  ) {
    super(`${setting}: ${[why.message, why.hint].join('. ')}`, { cause: why });
  }
}
