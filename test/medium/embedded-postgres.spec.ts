import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { pollUntil } from '../support/poll.js';
import { ask, EmbeddedHome, isAlive, untilGone } from './embedded-postgres.home.js';

/** The keeper waits a little longer than this for a user. */
const GRACE_MS = 1_500;

let home: EmbeddedHome;
beforeEach(async () => {
  home = await EmbeddedHome.create();
});
afterEach(() => home.destroy());

describe('embedded Postgres', () => {
  it('is durable Postgres 18 with a password, and keeps its data from one start to the next', async () => {
    const first = await home.start();
    expect(await ask(first.url, `select current_setting('server_version_num')::int / 10000 as answer`)).toEqual([18]);
    const durable = `select string_agg(setting, ',') as answer from pg_settings
      where name in ('fsync', 'full_page_writes', 'synchronous_commit')`;
    expect(await ask(first.url, durable)).toEqual(['on,on,on']);
    await expect(ask(first.url.replace(/:[^:@]+@/, ':wrong@'), 'select 1 as answer')).rejects.toThrow('password');
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.release();
    expect(await ask((await home.start()).url, 'select answer from kept')).toEqual([42]);
  });

  it('is one Postgres for starts at the same moment, and stops when the last has released it', async () => {
    const [one, two, three] = await Promise.all([home.start(), home.start(), home.start()]);
    expect(new Set([one.url, two.url, three.url]).size).toBe(1);
    const pid = await home.postmasterPid();
    await one.release();
    await two.release();
    expect(await ask(three.url, 'select 1 as answer')).toEqual([1]);
    await three.release();
    expect(isAlive(pid)).toBe(false);
  });

  it('has a keeper that listens to the owner of the data folder only', async () => {
    await home.start();
    const socket = path.join(home.folder, 'keeper.sock');
    expect((await stat(socket)).mode & 0o777).toBe(0o600);
    // Only root can be somebody else; the owner's line is open already.
    if (process.getuid?.() !== 0) return;
    const knock = `require('node:net').connect(process.argv[1]).on('error', ({ code }) => console.log(code))
      .on('connect', () => { console.log('open'); process.exit(); })`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', knock, socket], { cwd: '/', uid: 65_534 });
    expect(stdout.trim()).toBe('EACCES');
  });

  it('ends by itself after its only user was killed', async () => {
    const holder = await home.startHolder();
    const [pid, keeper] = [await home.postmasterPid(), await home.keeperPid()];
    holder.kill('SIGKILL');
    await untilGone(pid);
    await untilGone(keeper);
  });

  it('is handed over to a user that comes right after the last one was killed', async () => {
    for (let tookMs = Infinity; tookMs > GRACE_MS;) {
      const holder = await home.startHolder();
      const pid = await home.postmasterPid();
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      const startedMs = performance.now();
      const successor = await home.start();
      tookMs = performance.now() - startedMs;
      // A machine that needs as long as the keeper waits has not come right after: once more.
      if (tookMs < GRACE_MS) expect(await home.postmasterPid()).toBe(pid);
      else await successor.release();
    }
  });

  it('comes back at the same address with everything committed after Postgres was killed', async () => {
    const hold = await home.start();
    await ask(hold.url, 'create table kept as select 42 as answer');
    process.kill(await home.postmasterPid(), 'SIGKILL');
    const answer = await pollUntil(
      () => ask(hold.url, 'select answer from kept').catch(() => null),
      'Postgres to be back',
    );
    expect(answer).toEqual([42]);
  });

  it('does not believe a process file whose process is somebody else', async () => {
    await (await home.start()).release();
    const stale = `${process.pid}\n${home.folder}/postgres\n1\n5432\n\n127.0.0.1\n0 0\nready\n`;
    await writeFile(path.join(home.folder, 'postgres/postmaster.pid'), stale);
    expect(await ask((await home.start()).url, 'select 1 as answer')).toEqual([1]);
  });

  it('works inside a folder that only its owner can enter', async () => {
    const closed = path.join(home.folder, 'closed');
    await mkdir(closed);
    await chmod(closed, 0o700);
    const dataDir = path.join(closed, 'data');
    const hold = await home.start({ dataDir });
    expect(await ask(hold.url, 'select 1 as answer')).toEqual([1]);
    await hold.release();
    const cluster = await realpath(path.join(dataDir, 'postgres'));
    if (!cluster.startsWith(home.folder)) await rm(path.dirname(cluster), { recursive: true });
  });

  it('says in one line what is wrong with the data folder', async () => {
    await mkdir(path.join(home.folder, 'postgres'));
    await writeFile(path.join(home.folder, 'postgres/PG_VERSION'), '16\n');
    await expect(home.start()).rejects.toThrow(
      `the embedded Postgres did not start: ${home.folder}/postgres was made by Postgres 16, this is 18`,
    );
    await writeFile(path.join(home.folder, 'file'), '');
    await expect(home.start({ dataDir: path.join(home.folder, 'file') })).rejects.toThrow(
      'cannot write to the data folder',
    );
  });
});
