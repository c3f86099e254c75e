import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COMPILE_CACHE, ensureBuilt, PROJECT_DIR } from './build.js';
import { pollUntil } from './poll.js';

const START_TIMEOUT_MS = 150_000;
const COMMAND_TIMEOUT_MS = 60_000;

/** A gateway as a newcomer starts it: nothing configured but where its data and its port are. */
export class StandaloneGateway {
  private out = '';
  private err = '';

  private constructor(private readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
  }

  /** Starts it and returns at once. */
  static async launch(
    env: Record<string, string>,
    options: { npm?: boolean; cwd?: string } = {},
  ): Promise<StandaloneGateway> {
    await ensureBuilt();
    const program = [process.execPath, join(PROJECT_DIR, 'dist/src/main.js')];
    // The build is there: without its pre-script, `npm start` is exactly what a newcomer types.
    const [command = '', ...args] = options.npm === true ? ['npm', 'start', '--ignore-scripts'] : program;
    const child = spawn(command, args, {
      cwd: options.cwd ?? PROJECT_DIR,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...COMPILE_CACHE, PATH: process.env['PATH'], HOME: process.env['HOME'], PORT: '0', ...env },
    });
    return new StandaloneGateway(child);
  }

  /** Starts it and waits for the words on the screen. */
  static async start(
    env: Record<string, string>,
    options: { npm?: boolean; cwd?: string } = {},
  ): Promise<StandaloneGateway> {
    const gateway = await StandaloneGateway.launch(env, options);
    await pollUntil(() => gateway.greeted(), 'the words on the screen', START_TIMEOUT_MS);
    return gateway;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get stdout(): string {
    return this.out;
  }

  get stderr(): string {
    return this.err;
  }

  /** `http://127.0.0.1:<port>`, as printed. */
  get url(): string {
    return this.shown(/base URL +(http:\S+)\/openai\/v1/);
  }

  get apiKey(): string {
    return this.shown(/API key +(jt_\S+)/);
  }

  get adminToken(): string {
    return this.shown(/admin token +(ja_\S+)/);
  }

  /** The command that is printed to be pasted. */
  get command(): string {
    return this.shown(/^(curl [\s\S]*?[^\\])$/m);
  }

  /** Runs a command as a person would paste it. @returns what it prints. */
  static async paste(command: string): Promise<string> {
    const { stdout } = await promisify(execFile)('sh', ['-c', command], { timeout: COMMAND_TIMEOUT_MS });
    return stdout;
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** @returns the exit code, `null` after a kill by signal. */
  async ended(): Promise<number | null> {
    if (this.child.exitCode === null && this.child.signalCode === null) await once(this.child, 'exit');
    return this.child.exitCode;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.signal(signal);
    return this.ended();
  }

  private shown(pattern: RegExp): string {
    const found = pattern.exec(this.out)?.[1];
    if (found === undefined) throw new Error(`${pattern.source} is not on the screen:\n${this.out}`);
    return found;
  }

  private greeted(): Promise<true | null> {
    if (this.child.exitCode !== null) throw new Error(`it ended at start:\n${this.out}${this.err}`);
    return Promise.resolve(this.out.includes('Ctrl-C stops it.') ? true : null);
  }
}

/** A data folder of its own, and the gateways that a test starts on it. */
export class Installation {
  private readonly started: StandaloneGateway[] = [];

  private constructor(private readonly dataDir: string) {}

  static async create(): Promise<Installation> {
    return new Installation(await mkdtemp(join(tmpdir(), 'joytoken-start-')));
  }

  /** Starts a gateway and waits for the words on the screen. */
  async start(env: Record<string, string> = {}, options = {}): Promise<StandaloneGateway> {
    const gateway = await StandaloneGateway.start({ DATA_DIR: this.dataDir, ...env }, options);
    this.started.push(gateway);
    return gateway;
  }

  /** Starts a gateway and returns at once. */
  async launch(env: Record<string, string>): Promise<StandaloneGateway> {
    const gateway = await StandaloneGateway.launch({ DATA_DIR: this.dataDir, ...env });
    this.started.push(gateway);
    return gateway;
  }

  /** Process of the embedded Postgres, `null` when none runs. */
  async postgresPid(): Promise<number | null> {
    const text = await readFile(join(this.dataDir, 'postgres/postmaster.pid'), 'utf8').catch(() => '');
    const pid = Number(text.split('\n')[0]);
    if (pid === 0) return null;
    try {
      process.kill(pid, 0);
      return pid;
    } catch {
      return null;
    }
  }

  async destroy(): Promise<void> {
    await Promise.all(this.started.map((gateway) => gateway.stop('SIGKILL')));
    const isGone = async (): Promise<true | null> => ((await this.postgresPid()) === null ? true : null);
    await pollUntil(isGone, 'the end of Postgres');
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
