import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { configSchema } from '../../src/platform/config/index.js';
import { PROJECT_DIR } from '../support/build.js';

interface Setting {
  name: string;
  default: string;
  text: string;
}

/** Compose interpolates it; the gateway never reads it. */
const COMPOSE_ONLY = ['POSTGRES_PASSWORD'];

const byName = (left: Setting, right: Setting): number => left.name.localeCompare(right.name);

function settingsOfSchema(): Setting[] {
  return Object.entries(configSchema.shape)
    .map(([name, schema]) => ({ name, default: defaultOf(schema), text: schema.description ?? '' }))
    .sort(byName);
}

function defaultOf(schema: {
  safeParse: (value: undefined) => { data?: string | number | boolean | string[] | undefined };
}): string {
  const { data } = schema.safeParse(undefined);
  if (data === undefined) return '';
  return Array.isArray(data) ? data.join(',') : String(data);
}

async function settingsOfDocument(): Promise<Setting[]> {
  const text = await readFile(path.join(PROJECT_DIR, 'docs/configuration.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `([A-Z0-9_]+)` +\| (?:`([^`]*)`|–) +\| (.*?) +\|$/gm)];
  return rows.map(([, name = '', value = '', meaning = '']) => ({ name, default: value, text: meaning })).sort(byName);
}

async function settingsOfExample(): Promise<Setting[]> {
  const text = await readFile(path.join(PROJECT_DIR, '.env.example'), 'utf8');
  const entries = [...text.matchAll(/^# (.*)\n#([A-Z0-9_]+)=(.*)$/gm)];
  return entries
    .map(([, meaning = '', name = '', value = '']) => ({ name, default: value, text: meaning }))
    .filter(({ name }) => !COMPOSE_ONLY.includes(name))
    .sort(byName);
}

describe('documents of the configuration', () => {
  it('describe every setting', () => {
    expect(settingsOfSchema().filter(({ text }) => text === '')).toEqual([]);
  });

  it('docs/configuration.md lists exactly the settings of the schema, with their defaults and meanings', async () => {
    expect(await settingsOfDocument()).toEqual(settingsOfSchema());
  });

  it('.env.example lists exactly the settings of the schema, with their defaults and meanings', async () => {
    expect(await settingsOfExample()).toEqual(settingsOfSchema());
  });

  it('docker-compose.yml sets nothing that the gateway does not know', async () => {
    const text = await readFile(path.join(PROJECT_DIR, 'docker-compose.yml'), 'utf8');
    const read = [...text.matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name = '']) => name);
    const known = [...Object.keys(configSchema.shape), ...COMPOSE_ONLY];
    expect(read.filter((name) => !known.includes(name))).toEqual([]);
  });
});
