import type { Config } from '../../platform/config/index.js';
import { ANTHROPIC_ADAPTER, ANTHROPIC_POOL, ANTHROPIC_PROVIDER } from './anthropic-pool.js';
import { GEMINI_ADAPTER, GEMINI_POOL, GEMINI_PROVIDER } from './gemini-pool.js';
import { OPENAI_ADAPTER, OPENAI_POOL, OPENAI_PROVIDER } from './openai-pool.js';
import type { PoolEntry } from './pool-entry.js';
import type { SeedProvider } from './pool-seed.js';

/** A vendor whose key is in the environment. */
export interface SeedVendor {
  /** The setting that names its address. */
  setting: string;
  provider: SeedProvider;
  pool: readonly PoolEntry[];
}

/** The vendors that the settings name a key for. */
export function vendorsOf(config: Config): SeedVendor[] {
  const vendors: SeedVendor[] = [];
  const add = (
    setting: string,
    provider: Omit<SeedProvider, 'apiKey'>,
    apiKey: string | undefined,
    pool: readonly PoolEntry[],
  ): void => {
    if (apiKey !== undefined) vendors.push({ setting, provider: { ...provider, apiKey }, pool });
  };
  add(
    'OPENAI_BASE_URL',
    { name: OPENAI_PROVIDER, adapter: OPENAI_ADAPTER, baseUrl: config.OPENAI_BASE_URL },
    config.OPENAI_API_KEY,
    OPENAI_POOL,
  );
  add(
    'ANTHROPIC_BASE_URL',
    { name: ANTHROPIC_PROVIDER, adapter: ANTHROPIC_ADAPTER, baseUrl: config.ANTHROPIC_BASE_URL },
    config.ANTHROPIC_API_KEY,
    ANTHROPIC_POOL,
  );
  add(
    'GEMINI_BASE_URL',
    { name: GEMINI_PROVIDER, adapter: GEMINI_ADAPTER, baseUrl: config.GEMINI_BASE_URL },
    config.GEMINI_API_KEY,
    GEMINI_POOL,
  );
  return vendors;
}
