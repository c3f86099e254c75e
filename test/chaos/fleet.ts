import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import type { Random } from './random.js';

/** How processes are killed while the load runs. */
export interface KillOptions {
  /** Mean time between two kills; 0 kills nobody. */
  everyMs: number;
  /** Longest time that a killed process stays away. */
  downMs: number;
}

const SIGTERM_SHARE = 0.25;
const START_TIMEOUT_MS = 60_000;
/** A machine that is too busy to start a process in half a minute is no fault of it. */
const STARTS_MAX = 5;
const GATEWAY_TIMEOUT_MS = 180_000;

/** Upstreams that fall silent are given up soon: a run should not wait for them. */
const ENV = {
  main: { WORKERS_ENABLED: 'false', UPSTREAM_IDLE_TIMEOUT_MS: '600', LOG_LEVEL: 'error' },
  worker: {},
} as const;

type Entry = keyof typeof ENV;

/** One process of the fleet, through its lives. */
class Member {
  process: GatewayProcess | null = null;

  constructor(
    readonly entry: Entry,
    private readonly databaseUrl: string,
  ) {}

  async start(): Promise<void> {
    const { databaseUrl, entry } = this;
    const started = await GatewayProcess.start({ databaseUrl, entry, env: ENV[entry] });
    if (this.entry === 'worker') await untilWorking(started);
    this.process = started;
  }

  /** @returns the exit code, `null` after a kill. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    const { process } = this;
    this.process = null;
    return process === null ? 0 : process.stop(signal);
  }
}

/** Two gateways and two workers on one database, and what kills them. */
export class Fleet {
  readonly kills = { SIGKILL: 0, SIGTERM: 0 };
  /** What should not happen to a process, whatever is done to it: orderly ends that failed, starts that failed. */
  readonly faults: string[] = [];
  private isDown = false;
  private isCalm = true;
  private rampage: Promise<void> = Promise.resolve();
  private readonly returning = new Set<Promise<void>>();

  private constructor(
    private readonly gateways: readonly Member[],
    private readonly workers: readonly Member[],
  ) {}

  static async start(databaseUrl: string): Promise<Fleet> {
    const of = (entry: Entry): Member[] => [1, 2].map(() => new Member(entry, databaseUrl));
    const fleet = new Fleet(of('main'), of('worker'));
    await Promise.all(fleet.members.map((member) => member.start()));
    return fleet;
  }

  /** A gateway that is up, the `preferred` one if it is; waits while both are down. `null` after the crash of everything. */
  async gatewayUrl(preferred: number): Promise<string | null> {
    const up = (): string | null => {
      const urls = [this.gateways[preferred % 2], this.gateways[(preferred + 1) % 2]].map((one) => one?.process?.url);
      return urls.find((url) => url !== undefined) ?? null;
    };
    const upOrOver = (): Promise<string | null> => Promise.resolve(this.isDown ? '' : up());
    const url = await pollUntil(upOrOver, 'a gateway that is up', GATEWAY_TIMEOUT_MS);
    return url === '' ? null : url;
  }

  startKilling(random: Random, options: KillOptions): void {
    if (options.everyMs <= 0) return;
    this.isCalm = false;
    this.rampage = this.kill(random, options);
  }

  /** Ends every process at once, as a power failure does; nothing runs afterwards. */
  async crash(): Promise<void> {
    this.isDown = true;
    this.isCalm = true;
    await this.killAll();
    await this.rampage;
    // Those that were just coming back.
    await Promise.all(this.returning);
    await this.killAll();
  }

  /** Starts everything again; the workers finish what the dead left behind. */
  async recover(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()));
    this.isDown = false;
  }

  /** Ends what runs in order. */
  async end(): Promise<void> {
    const codes = await Promise.all(this.members.map((member) => member.stop('SIGTERM')));
    for (const code of codes) this.noteExit(code);
  }

  private async killAll(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop('SIGKILL')));
  }

  private get members(): readonly Member[] {
    return [...this.gateways, ...this.workers];
  }

  private async kill(random: Random, { everyMs, downMs }: KillOptions): Promise<void> {
    while (!this.isCalm) {
      await sleep(random.between(0.3, 1.7) * everyMs);
      const up = this.members.filter((member) => member.process !== null);
      // Where starting takes longer than killing, something has to be left.
      if (up.length <= 1) continue;
      const signal = random.chance(SIGTERM_SHARE) ? 'SIGTERM' : 'SIGKILL';
      const returning: Promise<void> = this.replace(random.pick(up), signal, random.between(0, downMs))
        .catch((error: unknown) => void this.faults.push(`a process did not come back: ${String(error)}`))
        .finally(() => this.returning.delete(returning));
      this.returning.add(returning);
    }
  }

  private async replace(member: Member, signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void> {
    this.kills[signal] += 1;
    const code = await member.stop(signal);
    if (signal === 'SIGTERM') this.noteExit(code);
    await sleep(downMs);
    for (let starts = 1; ; starts += 1) {
      try {
        return await member.start();
      } catch (error) {
        if (starts === STARTS_MAX || this.isDown) throw error;
      }
    }
  }

  private noteExit(code: number | null): void {
    if (code !== 0) this.faults.push(`a process that was asked to end did so with ${String(code)}`);
  }
}

async function untilWorking(worker: GatewayProcess): Promise<void> {
  const isStarted = (): Promise<true | null> => Promise.resolve(worker.printed().includes('worker started') || null);
  await pollUntil(isStarted, 'the worker to start', START_TIMEOUT_MS);
}
