import { parseArgs } from 'node:util';
import { readConfig } from '../platform/config/index.js';
import { SealModule, SealService, type SealBreak, type SealReport } from '../wallet/index.js';
import { onFoundDatabase } from './open-database.js';
import { withModule } from './reading-app.js';

const USAGE = `usage: npm run seal:verify -- [--file <checkpoint file>]... [--json]  (npm run -s for programs)

Recomputes the hash chain of every wallet from the ledger rows, checks what was signed, and compares it with the
checkpoints that have left the database: those of the files given, else of LEDGER_CHECKPOINT_FILE.
Exit code 0: everything agrees; 1: something is broken; 2: it could not be verified.
`;

/** `npm run seal:verify`: a person or a schedule asks whether the ledger is what was sealed. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      file: { type: 'string', multiple: true },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  return onFoundDatabase(readConfig(process.env), async ({ config, place }) => {
    const report = await withModule(config, 'seal-verify', SealModule, (app) =>
      app.get(SealService, { strict: false }).verify({ files: values.file }),
    );
    process.stdout.write(values.json ? `${asJson(report)}\n` : `looked in ${place}\n${asText(report)}`);
    return report.ok ? 0 : 1;
  });
}

function asJson(report: SealReport): string {
  return JSON.stringify(report, (_name, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2);
}

function asText(report: SealReport): string {
  const { sealedUpTo, sealedRows, unsealedRows, oldestUnsealedAt, wallets, publishedCheckpoints, broken } = report;
  const upTo =
    sealedUpTo === null
      ? 'nothing is sealed yet'
      : `sealed up to checkpoint ${sealedUpTo.checkpoint} of ${sealedUpTo.sealedAt.toISOString()}`;
  const since = oldestUnsealedAt === null ? '' : `, the oldest of ${oldestUnsealedAt.toISOString()}`;
  const published =
    publishedCheckpoints === 0
      ? 'no checkpoint outside of the database was compared: give --file, or set LEDGER_CHECKPOINT_FILE'
      : `${publishedCheckpoints} checkpoints outside of the database were compared`;
  const found = broken.map((one, at) => `${at === 0 ? 'first broken' : 'also broken'}: ${breakText(one)}`);
  return [
    `${upTo}: ${sealedRows} rows verified in ${wallets} wallets, ${unsealedRows} rows not sealed yet${since}`,
    published,
    ...(report.ok ? ['everything agrees'] : found),
    '',
  ].join('\n');
}

function breakText({ fault, accountId, tier, seq, checkpoint, message }: SealBreak): string {
  const place =
    accountId === null ? `checkpoint ${checkpoint ?? '?'}` : `account ${accountId}, ${tier ?? ''} row ${seq ?? '?'}`;
  return `${place}: ${fault}: ${message}`;
}

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`not verified: ${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
});
