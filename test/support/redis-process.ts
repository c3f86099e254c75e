import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pollUntil } from './poll.js';

/** A Redis of its own that keeps nothing on disk: killed, it has lost everything. Needs `redis-server` on the PATH. */
export class RedisProcess {
  private constructor(
    private readonly port: number,
    private readonly folder: string,
    private child: ChildProcess,
  ) {}

  static async start(): Promise<RedisProcess> {
    const port = await freePort();
    const folder = await mkdtemp(join(tmpdir(), 'joytoken-redis-'));
    const redis = new RedisProcess(port, folder, spawnRedis(port, folder));
    await redis.untilItAnswers();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port.toString()}`;
  }

  /** Kills it and starts another one, which knows nothing, at the same place. */
  async loseEverything(): Promise<void> {
    await this.kill();
    this.child = spawnRedis(this.port, this.folder);
    await this.untilItAnswers();
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  private untilItAnswers(): Promise<true> {
    const answers = (): Promise<true | null> =>
      new Promise((resolve, reject) => {
        if (this.child.exitCode !== null) reject(new Error('redis-server ended by itself'));
        const socket = connect(this.port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(null));
        socket.once('close', () => socket.destroy()).end();
      });
    return pollUntil(answers, 'Redis to listen', 10_000);
  }
}

function spawnRedis(port: number, folder: string): ChildProcess {
  const args = ['--port', port.toString(), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
  return spawn('redis-server', args, { stdio: 'ignore' });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
