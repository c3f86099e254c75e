import { Test, type TestingModule } from '@nestjs/testing';
import { PoolApply, PoolModule, type PoolReport } from '../../src/admin/index.js';
import { readConfig } from '../../src/platform/config/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';

const SECRETS = `1:${Buffer.alloc(32, 1).toString('base64')}`;

export interface PoolFlags {
  environment?: Record<string, string>;
  prune?: boolean;
  allowPriceJumps?: boolean;
  dryRun?: boolean;
}

/** What `npm run pool:apply` runs, in this process. */
export class PoolProcess {
  private constructor(private readonly app: TestingModule) {}

  static async start(databaseUrl: string, settings: Record<string, string> = {}): Promise<PoolProcess> {
    const config = readConfig({
      DATABASE_URL: databaseUrl,
      HASH_SECRETS: SECRETS,
      ENCRYPTION_SECRETS: SECRETS,
      LOG_LEVEL: 'silent',
      ...settings,
    });
    const app = await Test.createTestingModule({
      imports: [PlatformModule.forRoot(config, 'pool'), PoolModule],
    }).compile();
    await app.init();
    return new PoolProcess(app);
  }

  async stop(): Promise<void> {
    await this.app.close();
  }

  apply(text: string, flags: PoolFlags = {}): Promise<PoolReport> {
    const { environment = {}, prune = false, allowPriceJumps = false, dryRun = false } = flags;
    const options = { prune, allowPriceJumps };
    return this.app.get(PoolApply).apply({ name: 'pool.yaml', text, environment, options, dryRun });
  }
}

/** `+ provider acme` of every change. */
export function changesOf(report: PoolReport): string[] {
  return report.changes.map(({ action, resource, name }) => `${action} ${resource} ${name}`);
}

/** The text of a remark without its place. */
export function notesOf(report: PoolReport): string[] {
  return report.notes.map(({ message }) => message);
}
