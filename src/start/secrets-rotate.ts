import 'reflect-metadata';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Module } from '@nestjs/common';
import { EventsModule } from '../events/index.js';
import { ConfigError, readConfig, type Config } from '../platform/config/index.js';
import { SealedStores, SecretBox, type StoreReport } from '../platform/secrets/index.js';
import { ProviderModule } from '../provider/index.js';
import { addEncryptionSecret } from './local-secrets.js';
import { onFoundDatabase } from './open-database.js';
import { packageRoot } from './package-root.js';
import { withModule } from './reading-app.js';
import { StartError } from './start-error.js';

const HELP = `Seals every stored secret again with the newest of ENCRYPTION_SECRETS.

  npm run secrets:rotate -- [options]

  --check  looks only
  --new    embedded database: first makes a new encryption secret in DATA_DIR/secrets.json, and stops there
  --json   the report as JSON (use npm run -s, so that npm prints nothing around it)
  --help   this text

To change the secret: 1. put a new one in front of ENCRYPTION_SECRETS (embedded: --new); 2. restart every gateway and worker, so
that all of them know it; 3. run this; 4. take the old one out, unless signatures made without SIGNING_SECRETS still need it.
It can be stopped and run again at any moment.
Exit code: 0 the newest secret seals everything, 1 it does not, 2 it could not be found out.
`;

const [ROTATED, NOT_ROTATED, NOT_RUN] = [0, 1, 2];

/** What has sealed secrets, and nothing else of the program. */
@Module({ imports: [ProviderModule, EventsModule] })
class SealedModule {}

function readArguments(args: readonly string[]) {
  const flag = { type: 'boolean', default: false } as const;
  try {
    return parseArgs({ args: [...args], options: { check: flag, new: flag, json: flag, help: flag } }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message.split('\n', 1)[0] ?? ''} (--help shows the options)`);
  }
}

async function run(args: readonly string[]): Promise<number> {
  const options = readArguments(args);
  if (options.help) return say(ROTATED, HELP);
  const config = readConfig(process.env);
  if (options.new) return makeSecret(config);
  const { place, number, reports } = await reseal(config, !options.check);
  const rotated = reports.every(({ byNumber, unreadableCount }) => isOnly(number, byNumber) && unreadableCount === 0);
  return say(
    rotated ? ROTATED : NOT_ROTATED,
    options.json ? jsonOf(number, reports) : `looked in ${place}\n${textOf(number, reports)}`,
  );
}

async function makeSecret(config: Config): Promise<number> {
  if (config.DATABASE_URL !== undefined || config.ENCRYPTION_SECRETS !== undefined) {
    throw new StartError('--new is for secrets that are kept beside an embedded database; change ENCRYPTION_SECRETS');
  }
  const number = await addEncryptionSecret(path.resolve(packageRoot(), config.DATA_DIR));
  return say(ROTATED, `secret ${number} is made; restart the gateway, then run npm run secrets:rotate\n`);
}

interface Resealed {
  place: string;
  number: number;
  reports: StoreReport[];
}

function reseal(settings: Config, write: boolean): Promise<Resealed> {
  return onFoundDatabase(settings, ({ config, place }) =>
    withModule(config, 'secrets', SealedModule, async (app) => ({
      place,
      number: app.get(SecretBox).currentNumber,
      reports: await app.get(SealedStores).reseal(write),
    })),
  );
}

function isOnly(number: number, byNumber: StoreReport['byNumber']): boolean {
  return Object.keys(byNumber).every((found) => Number(found) === number);
}

function jsonOf(number: number, reports: readonly StoreReport[]): string {
  const stores = reports.map(({ store, byNumber, resealed, unreadable, unreadableCount }) => ({
    store,
    by_secret: byNumber,
    resealed,
    unreadable,
    unreadable_count: unreadableCount,
  }));
  return `${JSON.stringify({ newest_secret: number, stores }, null, 2)}\n`;
}

function textOf(number: number, reports: readonly StoreReport[]): string {
  const lines = reports.flatMap(({ store, byNumber, resealed, unreadable, unreadableCount }) => {
    const rows = Object.entries(byNumber).map(([secret, count]) => `${count} with secret ${secret}`);
    const bad = `${store}: no secret opens ${unreadableCount}: ${unreadable.join(', ')}`;
    const line = `${store}: ${rows.length === 0 ? 'none' : rows.join(', ')}; sealed again now: ${resealed}`;
    return unreadableCount === 0 ? [line] : [line, bad];
  });
  return [`newest secret: ${number}`, ...lines, ''].join('\n');
}

/** Waits until it is written: the process ends right afterwards. */
async function say(exitCode: number, text: string): Promise<number> {
  await new Promise<void>((resolve) => process.stdout.write(text, () => resolve()));
  return exitCode;
}

function reasonOf(error: unknown): string {
  if (error instanceof ConfigError || error instanceof StartError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

process.exit(
  await run(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`not rotated: ${reasonOf(error)}\n`);
    return NOT_RUN;
  }),
);
