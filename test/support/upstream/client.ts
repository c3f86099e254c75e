import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { COMPILE_CACHE, ensureBuilt, PROJECT_DIR } from '../build.js';
import { pollUntil } from '../poll.js';
import type { Call } from './calls.js';

const READY_LINE = /^upstream ready (\S+)$/;

/** A fault-injecting upstream in a process of its own. */
export class UpstreamProcess {
  private constructor(
    private readonly child: ChildProcess,
    /** Base URL for a provider, ends in `/v1`. */
    readonly url: string,
  ) {}

  /** `record: false` keeps no calls, for load runs. */
  static async start(options: { record?: boolean } = {}): Promise<UpstreamProcess> {
    await ensureBuilt();
    const recording = options.record === false ? ['--no-record'] : [];
    const child = spawn(process.execPath, ['dist/test/support/upstream/main.js', '--port', '0', ...recording], {
      cwd: PROJECT_DIR,
      env: { ...process.env, ...COMPILE_CACHE },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: child.stdout })) {
      const match = READY_LINE.exec(line);
      if (match?.[1] !== undefined) return new UpstreamProcess(child, match[1]);
    }
    throw new Error('the upstream ended before it was ready');
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Calls whose body contains a text, oldest first. */
  async calls(contains: string): Promise<Call[]> {
    const response = await fetch(`${this.root()}/_calls?contains=${encodeURIComponent(contains)}`);
    return ((await response.json()) as { calls: Call[] }).calls;
  }

  /** Waits until a call with the text satisfies a condition. */
  async callWhen(contains: string, holds: (call: Call) => boolean): Promise<Call> {
    return pollUntil(
      async () => (await this.calls(contains)).find(holds) ?? null,
      `call with ${contains} at the upstream`,
    );
  }

  /** Makes a model name behave like others: one after the other, a call each; the last one stays. */
  async setBehaviour(model: string, ...behaviours: string[]): Promise<void> {
    const body = JSON.stringify({ behaviour: behaviours.join(',') });
    await fetch(`${this.root()}/_models/${encodeURIComponent(model)}`, { method: 'PUT', body });
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await ended;
  }

  private root(): string {
    return this.url.replace(/\/v1$/, '');
  }
}
