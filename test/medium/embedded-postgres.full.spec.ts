import { once } from 'node:events';
import path from 'node:path';
import { Client } from 'pg';
import { pollUntil } from '../support/poll.js';
import { ask, EmbeddedHome, untilGone } from './embedded-postgres.home.js';

let home: EmbeddedHome;
beforeEach(async () => {
  home = await EmbeddedHome.create();
});
afterEach(() => home.destroy());

describe('embedded Postgres, when several things go wrong at once', () => {
  it('survives a killed keeper: a new one adopts the Postgres that runs, and stops it in the end', async () => {
    const hold = await home.start();
    const [pid, keeper] = [await home.postmasterPid(), await home.keeperPid()];
    process.kill(keeper, 'SIGKILL');
    await pollUntil(async () => ((await home.keeperPid()) === keeper ? null : true), 'a new keeper');
    expect(await home.postmasterPid()).toBe(pid);
    const successor = await home.start();
    expect(successor.url).toBe(hold.url);
    expect(await ask(hold.url, 'select 1 as answer')).toEqual([1]);
    await Promise.all([hold.release(), successor.release()]);
    await untilGone(pid);
  });

  it('is not started again beside a statement of the killed one that is still running', async () => {
    const hold = await home.start();
    await ask(hold.url, 'create table busy as select 1 as answer');
    const busy = new Client({ connectionString: hold.url });
    busy.on('error', () => undefined);
    await busy.connect();
    const { rows } = await busy.query<{ pid: number }>('select pg_backend_pid() as pid');
    // It computes without ever looking up, so it does not notice that the main process is gone.
    const counting = busy.query('select count(*) from generate_series(1, 2000000000)').catch(() => undefined);
    process.kill(await home.postmasterPid(), 'SIGKILL');
    await pollUntil(() => ask(hold.url, 'select answer from busy').catch(() => null), 'Postgres to be back');
    for (const { pid } of rows) await untilGone(pid);
    await counting;
    await busy.end();
  });

  it('is started again after it, its keeper and its user were killed at once', async () => {
    const holder = await home.startHolder();
    const hold = await home.start();
    await ask(hold.url, 'create table kept as select 42 as answer');
    const [pid, keeper] = [await home.postmasterPid(), await home.keeperPid()];
    process.kill(keeper, 'SIGKILL');
    process.kill(pid, 'SIGKILL');
    holder.kill('SIGKILL');
    const again = await home.start();
    expect(await ask(again.url, 'select answer from kept')).toEqual([42]);
    expect(again.url).toBe(hold.url);
  });

  it('finds its Postgres again after the data home.folder was moved while it ran and its keeper was killed', async () => {
    const holder = await home.startHolder();
    const pid = await home.postmasterPid();
    process.kill(await home.keeperPid(), 'SIGKILL');
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    await home.move();
    const hold = await home.start();
    expect(await home.postmasterPid()).toBe(pid);
    await hold.release();
    await untilGone(pid);
  });

  it('is reached by its socket when that is asked for, and by TCP where the path is too long for one', async () => {
    const deep = path.join(home.folder, 'a'.repeat(100));
    for (const [dataDir, address] of [
      [home.folder, null],
      [deep, '127.0.0.1/32'],
    ] as const) {
      const hold = await home.start({ dataDir, preferSocket: true });
      expect(await ask(hold.url, 'select inet_server_addr()::text as answer')).toEqual([address]);
    }
  });
});
