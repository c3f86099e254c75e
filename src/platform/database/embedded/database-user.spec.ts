import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { canPass, canRead, parsePasswd } from './database-user.js';

const STRANGER = { name: 'stranger', uid: 54_321, gid: 54_321 };

describe('database user', () => {
  it('reads users from a passwd file and leaves out lines that name nobody', () => {
    const text = 'root:x:0:0:root:/root:/bin/sh\n# comment\npostgres:x:101:104::/var/lib/postgresql:/bin/sh\n+::::::\n';
    expect(parsePasswd(text)).toEqual([
      { name: 'root', uid: 0, gid: 0 },
      { name: 'postgres', uid: 101, gid: 104 },
    ]);
  });

  it('finds that a stranger reaches a file only while every folder above it lets him pass', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'joytoken-user-'));
    const inner = path.join(folder, 'inner');
    const file = path.join(inner, 'file');
    try {
      await mkdir(inner);
      await writeFile(file, '');
      await chmod(folder, 0o711);
      await chmod(inner, 0o711);
      await chmod(file, 0o644);
      expect([await canPass(STRANGER, inner), await canRead(STRANGER, file)]).toEqual([true, true]);
      await chmod(file, 0o640);
      expect(await canRead(STRANGER, file)).toBe(false);
      await chmod(folder, 0o700);
      expect([await canPass(STRANGER, inner), await canPass(null, inner)]).toEqual([false, true]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
