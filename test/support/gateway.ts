import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { COMPILE_CACHE, ensureBuilt, PROJECT_DIR } from './build.js';
import { PATIENCE_MS, pollUntil } from './poll.js';

/** Bootstrap admin token of every gateway that tests start. */
export const ADMIN_TOKEN = 'ja_test_bootstrap_token_0123456789';

const SECRET_1 = `1:${Buffer.alloc(32, 7).toString('base64')}`;
const LISTENING = /http:\/\/(?:127\.0\.0\.1|\[::1\]):\d+/;
/** Those of the start script, and for profiling what TEST_NODE_FLAGS adds, e.g. `--cpu-prof`. */
const NODE_FLAGS = [...startFlags(), ...(process.env['TEST_NODE_FLAGS']?.split(' ') ?? [])];
const START_TIMEOUT_MS = 150_000;
const OUTPUT_LINES_MAX = 20_000;
const OUTPUT_LINES_SHOWN = 30;

export interface GatewayOptions {
  databaseUrl: string;
  /** Settings on top of the defaults below. */
  env?: Record<string, string>;
  /** Entry below dist/src; `worker` runs without HTTP. */
  entry?: 'main' | 'worker';
}

/** A real gateway process on a database of the test. */
export class GatewayProcess {
  private readonly output: string[] = [];
  /** `http://127.0.0.1:<port>`, or `http://[::1]:<port>` with an IPv6 HOST; empty for a worker. */
  url = '';

  private stopping = false;

  private constructor(private readonly child: ChildProcess) {
    child.once('exit', (code, signal) => {
      if (this.stopping) return;
      const last = this.output.slice(-OUTPUT_LINES_SHOWN).join('\n');
      process.stderr.write(`the gateway ended by itself (${String(code ?? signal)}):\n${last}\n`);
    });
  }

  /** Starts `dist/src/main.js` and waits until it is ready to serve. */
  static async start(options: GatewayOptions): Promise<GatewayProcess> {
    await ensureBuilt();
    const entry = options.entry ?? 'main';
    const child = spawn(process.execPath, [...NODE_FLAGS, `dist/src/${entry}.js`], {
      cwd: PROJECT_DIR,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: gatewayEnvironment(options),
    });
    const gateway = new GatewayProcess(child);
    gateway.collect(child.stdout);
    gateway.collect(child.stderr);
    try {
      if (entry === 'main') await gateway.waitUntilReady();
      return gateway;
    } catch (error) {
      await gateway.stop('SIGKILL');
      throw error;
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Everything that the process has printed: banner, logs, errors. */
  printed(): string {
    return this.output.join('\n');
  }

  /** Structured log lines, oldest first. */
  logLines(): Record<string, unknown>[] {
    return this.output.flatMap((line) => {
      if (!line.startsWith('{')) return [];
      return [JSON.parse(line) as Record<string, unknown>];
    });
  }

  /** Sends a signal and waits for the end. @returns the exit code, `null` after a kill by signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.stopping = true;
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const ended = once(this.child, 'exit');
      this.child.kill(signal);
      await ended;
    }
    return this.child.exitCode;
  }

  /** Sends a signal and returns at once. */
  signal(signal: NodeJS.Signals): void {
    this.stopping = true;
    this.child.kill(signal);
  }

  private collect(stream: Readable): void {
    createInterface({ input: stream }).on('line', (line) => {
      this.output.push(line);
      if (this.output.length > OUTPUT_LINES_MAX) this.output.splice(0, OUTPUT_LINES_MAX / 2);
    });
  }

  private async waitUntilReady(): Promise<void> {
    this.url = await pollUntil(() => Promise.resolve(this.listeningUrl()), 'the gateway to listen', START_TIMEOUT_MS);
    const isReady = async (): Promise<true | null> => ((await fetch(`${this.url}/health/ready`)).ok ? true : null);
    await pollUntil(isReady, 'the gateway to be ready', START_TIMEOUT_MS);
  }

  private listeningUrl(): string | null {
    if (this.child.exitCode !== null) throw new Error(`the gateway ended at start:\n${this.printed()}`);
    return this.output.map((line) => LISTENING.exec(line)?.[0]).find((found) => found !== undefined) ?? null;
  }
}

/** The settings a test gateway starts with; nothing of the developer's own environment but PATH. */
export function gatewayEnvironment(options: GatewayOptions): Record<string, string> {
  return {
    ...COMPILE_CACHE,
    PATH: process.env['PATH'] ?? '',
    HOST: '127.0.0.1',
    PORT: '0',
    DATABASE_URL: options.databaseUrl,
    HASH_SECRETS: SECRET_1,
    ENCRYPTION_SECRETS: SECRET_1,
    ADMIN_TOKEN,
    ALLOW_PRIVATE_UPSTREAMS: 'true',
    SEED: 'none',
    CAPTURE_RETRY_MS: PATIENCE_MS.toString(),
    ...options.env,
  };
}

/** Node's options in the script behind `npm start`. */
function startFlags(): string[] {
  const { scripts } = JSON.parse(readFileSync(`${PROJECT_DIR}/package.json`, 'utf8')) as { scripts: { start: string } };
  return [...scripts.start.matchAll(/ (--[\w-]+(?:=[\w./-]+)?)(?= )/g)].map(([, flag]) => String(flag));
}
