import { LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { poolFileSchema, SECRET_REFERENCE, type PoolFile } from './pool-file.schema.js';
import { duplicatesIn, priceFaultsIn, type Finding } from './pool-findings.js';
import { PoolPlaces, PoolRefusedError, type PoolFault } from './pool-places.js';

const FILE_CHARS_MAX = 4_000_000;
const ALIASES_MAX = 1_000;
const NO_MAP = 'must be a map: `version: 1`, then providers, models, policies';
const REFERENCES = /\$\{([^}]*)\}/g;

export type Environment = Readonly<Record<string, string | undefined>>;

/** A pool file that is sound in itself. */
export interface ReadPool {
  /** As it is shown. */
  name: string;
  file: PoolFile;
  places: PoolPlaces;
  /** Values of the variables that `api_key` names; absent ones are not set. */
  secrets: ReadonlyMap<string, string>;
}

/**
 * Reads a pool file and checks everything that needs no database.
 * @param name of the file, for messages
 * @param environment what `${NAME}` stands for, in `api_key` and `base_url`
 * @throws PoolRefusedError with every fault and its line.
 */
export function readPool(name: string, text: string, environment: Environment, nowMs: number): ReadPool {
  const lines = new LineCounter();
  if (text.length > FILE_CHARS_MAX) throw new PoolRefusedError(name, [whole('is too large')]);
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  const places = new PoolPlaces(document, lines);
  const syntax = document.errors.map(({ message, pos }) => ({ ...places.offsetPlace(pos[0]), path: '', message }));
  if (syntax.length > 0) throw new PoolRefusedError(name, syntax);
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    throw new PoolRefusedError(name, [whole(error instanceof Error ? error.message : 'cannot be read')]);
  }
  const found: PoolFault[] = [];
  const parsed = poolFileSchema.safeParse(withBaseUrls(raw, environment, places, found));
  if (!parsed.success) {
    // What is sound in the rest is checked when the shape is right: its positions mean something only then.
    throw new PoolRefusedError(name, [...found, ...parsed.error.issues.flatMap((issue) => issueFaults(issue, places))]);
  }
  const findings = [...duplicatesIn(parsed.data), ...priceFaultsIn(parsed.data, nowMs)];
  found.push(...findings.map(({ path, message }: Finding) => places.fault(path, message)));
  const secrets = secretsOf(parsed.data, environment);
  found.push(...missingSecrets(parsed.data, secrets, places));
  if (found.length > 0) throw new PoolRefusedError(name, found);
  return { name, file: parsed.data, places, secrets };
}

/** Variables that all providers of a file wait for (`enabled: if_key`) while none of them is set; empty when any can be used. */
export function missingKeys({ file, secrets }: ReadPool): string[] {
  const names = (file.providers ?? []).map((entry) => (entry.enabled === 'if_key' ? secretName(entry.api_key) : null));
  const missing = names.filter((name) => name !== null && !secrets.has(name)) as string[];
  return missing.length === names.length ? missing : [];
}

/** Base URLs may hold the name of a resource: `https://${AZURE_RESOURCE}.openai.azure.com/openai/v1`. */
function withBaseUrls(raw: unknown, environment: Environment, places: PoolPlaces, faults: PoolFault[]): unknown {
  if (typeof raw !== 'object' || raw === null || !('providers' in raw) || !Array.isArray(raw.providers)) return raw;
  const providers = raw.providers.map((provider: unknown, at) => {
    if (typeof provider !== 'object' || provider === null || !('base_url' in provider)) return provider;
    if (typeof provider.base_url !== 'string') return provider;
    const replaced = provider.base_url.replace(REFERENCES, (reference, name: string) => {
      const value = SECRET_REFERENCE.test(reference) ? environment[name] : undefined;
      if (value !== undefined && value !== '') return value;
      faults.push(places.fault(['providers', at, 'base_url'], `${reference} is not set in the environment`));
      return 'unset';
    });
    return { ...provider, base_url: replaced };
  });
  return { ...raw, providers };
}

function secretsOf({ providers }: PoolFile, environment: Environment): Map<string, string> {
  const secrets = new Map<string, string>();
  for (const { api_key: reference } of providers ?? []) {
    const name = secretName(reference);
    const value = name === null ? undefined : environment[name];
    if (name !== null && value !== undefined && value !== '') secrets.set(name, value);
  }
  return secrets;
}

function missingSecrets(
  { providers }: PoolFile,
  secrets: ReadonlyMap<string, string>,
  places: PoolPlaces,
): PoolFault[] {
  return (providers ?? []).flatMap(({ api_key: reference, enabled }, at) => {
    const name = secretName(reference);
    if (name === null || secrets.has(name) || enabled === 'if_key') return [];
    const message = `${name} is not set in the environment; \`enabled: if_key\` leaves such a provider out`;
    return [places.fault(['providers', at, 'api_key'], message)];
  });
}

/** `OPENAI_API_KEY` of `${OPENAI_API_KEY}`; `null` without a reference. */
export function secretName(reference: string | undefined): string | null {
  return (reference === undefined ? null : SECRET_REFERENCE.exec(reference)?.[1]) ?? null;
}

function issueFaults(issue: z.core.$ZodIssue, places: PoolPlaces): PoolFault[] {
  if (issue.path.length === 0 && issue.code === 'invalid_type') return [whole(NO_MAP)];
  if (issue.code !== 'unrecognized_keys') return [places.fault(issue.path, issue.message)];
  return issue.keys.map((key) => places.keyFault(issue.path, key, 'there is no such field'));
}

function whole(message: string): PoolFault {
  return { line: 1, column: 1, path: '', message };
}
