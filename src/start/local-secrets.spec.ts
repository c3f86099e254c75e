import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { configSchema } from '../platform/config/index.js';
import { readOrMakeSecrets } from './local-secrets.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'joytoken-secrets-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('secrets beside the data', () => {
  it('are made once, differ from each other, and are valid settings', async () => {
    const made = await readOrMakeSecrets(folder);
    expect(made.HASH_SECRETS).not.toBe(made.ENCRYPTION_SECRETS);
    expect(configSchema.safeParse(made).success).toBe(true);
    expect(await readOrMakeSecrets(folder)).toEqual(made);
  });

  it('are the same for processes that start at the same moment', async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => readOrMakeSecrets(folder)));
    expect(new Set(made.map(({ HASH_SECRETS }) => HASH_SECRETS)).size).toBe(1);
  });

  it('are readable for their owner only', async () => {
    await readOrMakeSecrets(folder);
    expect((await stat(path.join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600);
  });

  it('are not replaced when a database needs the lost ones', async () => {
    await mkdir(path.join(folder, 'postgres'));
    await expect(readOrMakeSecrets(folder)).rejects.toThrow('secrets.json is missing');
  });
});
