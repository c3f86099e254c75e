import type { z } from 'zod';
import { configSchema, type Config } from './config.schema.js';

/** Injection token of the validated configuration. */
export const CONFIG = Symbol('CONFIG');

/** Every fault of the settings at once; `main` prints them and exits 1. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  constructor(readonly faults: readonly string[]) {
    super(`invalid configuration:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  }
}

/**
 * Reads settings from an environment. An empty variable counts as absent.
 * @param options `needsSecrets: false` for a program that only reads the database.
 * @throws ConfigError naming every faulty setting.
 */
export function readConfig(environment: NodeJS.ProcessEnv, options: { needsSecrets?: boolean } = {}): Config {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const result = configSchema.safeParse(present);
  const faults = result.success
    ? crossFaults(result.data, options.needsSecrets ?? true)
    : result.error.issues.map(describeIssue);
  if (faults.length > 0 || !result.success) throw new ConfigError(faults);
  return result.data;
}

/** Settings that only make sense together. */
function crossFaults(config: Config, needsSecrets: boolean): string[] {
  const faults: string[] = [];
  if (config.DATABASE_URL !== undefined && needsSecrets) {
    for (const name of ['HASH_SECRETS', 'ENCRYPTION_SECRETS'] as const) {
      if (config[name] === undefined) faults.push(`${name}: required when DATABASE_URL is set`);
    }
  }
  return faults;
}

function describeIssue(issue: z.core.$ZodIssue): string {
  return `${issue.path.join('.')}: ${issue.message}`;
}
