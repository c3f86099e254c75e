import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { configSchema } from '../platform/config/index.js';
import { addEncryptionSecret, readOrMakeSecrets } from './local-secrets.js';

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

  it('get a new encryption secret in front of the old ones, readable for their owner only', async () => {
    const before = await readOrMakeSecrets(folder);
    await expect(addEncryptionSecret(folder)).resolves.toBe(2);
    const after = await readOrMakeSecrets(folder);
    expect(after.HASH_SECRETS).toBe(before.HASH_SECRETS);
    expect(after.ENCRYPTION_SECRETS).toMatch(/^2:/);
    expect(after.ENCRYPTION_SECRETS.endsWith(`,${before.ENCRYPTION_SECRETS}`)).toBe(true);
    expect(configSchema.safeParse(after).success).toBe(true);
    expect((await stat(path.join(folder, 'secrets.json'))).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['secrets.json']);
  });

  it('get none where there are none', async () => {
    await expect(addEncryptionSecret(folder)).rejects.toThrow('secrets.json');
  });
});
