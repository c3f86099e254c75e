import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { receiptBytes, receiptFaults, receiptSchema, type Receipt } from '../billing/index.js';
import { readConfig } from '../platform/config/index.js';
import { PublicKeys, SigningKeys, type SignatureChecker } from '../platform/signing/index.js';
import { readSecrets } from './local-secrets.js';
import { packageRoot } from './package-root.js';
import { StartError } from './start-error.js';

const USAGE = `Checks a receipt without asking the gateway: its signature, and every step of its arithmetic.

  npm run receipt:verify -- <file, or - for standard input> [--keys <file or URL>]

  --keys   public keys, as /.well-known/jwks.json gives them; without it, the keys of the secrets of this installation
  --help   this text

Exit code: 0 the receipt is good, 1 it is not, 2 it could not be found out.
`;

const [GOOD, BAD, NOT_RUN] = [0, 1, 2];
const KEYS_TIMEOUT_MS = 10_000;

async function run(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { keys: { type: 'string' }, help: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const [file] = positionals;
  if (values.help || file === undefined || positionals.length > 1) {
    process.stdout.write(USAGE);
    return values.help ? GOOD : NOT_RUN;
  }
  const receipt = await readReceipt(file);
  if (receipt instanceof Array) return say(BAD, 'this is not a receipt', receipt);
  if (receipt.status === 'pending') return say(NOT_RUN, `${receipt.id} is pending: nothing is settled or signed yet`);
  const faults = [...signatureFaults(receipt, await keysOf(values.keys)), ...receiptFaults(receipt)];
  if (faults.length > 0) return say(BAD, `${receipt.id} is not good`, faults);
  const { credits_charged: charged, shortfall } = receipt.settlement ?? { credits_charged: '0', shortfall: '0' };
  return say(GOOD, `${receipt.id} is good: ${receipt.status}, ${charged} credits charged, ${shortfall} not paid`, [
    `request ${receipt.request_id} of account ${receipt.account_id}, ${receipt.model.key}, price version ${receipt.price.version}`,
    `signed by key ${receipt.signature?.key_id ?? ''}; every step of the arithmetic comes out the same`,
  ]);
}

/** @returns the receipt, or what keeps it from being one. */
async function readReceipt(file: string): Promise<Receipt | string[]> {
  const content = file === '-' ? await text(process.stdin) : await readFile(path.resolve(callerFolder(), file), 'utf8');
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    return [String(error)];
  }
  const result = receiptSchema.safeParse(value);
  if (result.success) return result.data;
  return result.error.issues.map((issue) => `${issue.path.join('.') || 'receipt'}: ${issue.message}`);
}

function signatureFaults(receipt: Receipt, keys: SignatureChecker): string[] {
  const { signature } = receipt;
  if (signature === null) return ['it is not signed'];
  const verdict = keys.check(signature.key_id, receiptBytes(receipt), Buffer.from(signature.value, 'base64url'));
  if (verdict === 'unknown_key') throw new StartError(`key ${signature.key_id} is not among the public keys`);
  return verdict === 'valid' ? [] : ['the signature is not that of this receipt: something in it was changed'];
}

async function keysOf(place: string | undefined): Promise<SignatureChecker> {
  if (place === undefined) return ownKeys();
  const content = /^https?:\/\//.test(place)
    ? await (await fetch(place, { signal: AbortSignal.timeout(KEYS_TIMEOUT_MS) })).text()
    : await readFile(path.resolve(callerFolder(), place), 'utf8');
  const { keys } = JSON.parse(content) as { keys?: unknown };
  const known = new PublicKeys(Array.isArray(keys) ? keys : []);
  if (known.jwks.length === 0) throw new StartError(`${place} holds no Ed25519 public key`);
  return known;
}

async function ownKeys(): Promise<SignatureChecker> {
  const config = readConfig(process.env, { needsSecrets: false });
  const dataDir = path.resolve(packageRoot(), config.DATA_DIR);
  const local = await readSecrets(dataDir);
  const keys = new SigningKeys({ ...local, ...withoutAbsent(config) });
  if (keys.publicKeys().length > 0) return keys;
  throw new StartError(
    `no public key: neither the environment nor the data folder ${dataDir} has secrets; give --keys with what /.well-known/jwks.json of the gateway answers`,
  );
}

function withoutAbsent(secrets: { SIGNING_SECRETS?: string | undefined; ENCRYPTION_SECRETS?: string | undefined }) {
  const { SIGNING_SECRETS, ENCRYPTION_SECRETS } = secrets;
  return {
    ...(SIGNING_SECRETS === undefined ? {} : { SIGNING_SECRETS }),
    ...(ENCRYPTION_SECRETS === undefined ? {} : { ENCRYPTION_SECRETS }),
  };
}

/** npm changes to the package's folder; names of files are relative to where the caller was. */
function callerFolder(): string {
  return process.env['INIT_CWD'] ?? process.cwd();
}

function say(exitCode: number, headline: string, lines: readonly string[] = []): number {
  process.stdout.write(`${[headline, ...lines.map((line) => `  ${line}`)].join('\n')}\n`);
  return exitCode;
}

process.exitCode = await run().catch((error: unknown) => {
  process.stderr.write(`not verified: ${error instanceof Error ? error.message : String(error)}\n`);
  return NOT_RUN;
});
