import { Inject, Injectable } from '@nestjs/common';
import { AdminTokenService } from '../../auth/index.js';
import { ChangeFeed } from '../../platform/changes/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { SeedNotesRepository, type SeedNotes } from '../persistence/seed-notes.repository.js';
import { DemoSeed, type DemoNote } from './demo-seed.js';
import { OPENAI_ADAPTER, OPENAI_POOL, OPENAI_PROVIDER } from './openai-pool.js';
import { PoolSeed } from './pool-seed.js';

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
   * Makes the first admin token, the demo data where they are wanted, and applies vendor keys of the environment.
   * @throws AppError `unprocessable` when OPENAI_BASE_URL is refused.
   */
  async run(wanted: { demo: boolean }): Promise<SeedReport> {
    const report = await this.notes.exclusively(async (notes) => {
      const demo = await this.seedDemo(notes, wanted.demo);
      await this.applyVendors();
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

  private async applyVendors(): Promise<void> {
    const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl } = this.config;
    if (apiKey === undefined) return;
    await this.pool.ensure({ name: OPENAI_PROVIDER, adapter: OPENAI_ADAPTER, baseUrl, apiKey }, OPENAI_POOL);
  }
}
