import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeToOthers } from './private-files.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'joytoken-private-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

describe('the secrets of a data folder', () => {
  it.each(['secrets.json', 'postgres.password'])(
    'are closed when others may read them, and it is said: %s',
    async (name) => {
      const file = path.join(folder, name);
      await writeFile(file, 'x');
      await chmod(file, 0o644);
      expect(await closeToOthers(folder)).toEqual([
        `${file} had mode 644, so other users could read it; it is closed to them now`,
      ]);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      expect(await closeToOthers(folder)).toEqual([]);
    },
  );

  it('stay as they are when they are missing or closed already', async () => {
    expect(await closeToOthers(folder)).toEqual([]);
    await writeFile(path.join(folder, 'secrets.json'), 'x', { mode: 0o400 });
    expect(await closeToOthers(folder)).toEqual([]);
    expect((await stat(path.join(folder, 'secrets.json'))).mode & 0o777).toBe(0o400);
  });
});
