import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayProcess } from '../support/gateway.js';
import { World } from '../support/world.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { auditMoney, waitUntilSettled, type MoneyAudit } from './audit.js';
import {
  BEHAVIOUR_OF,
  benchCases,
  bodyOf,
  HELD_BEHAVIOUR,
  HELD_STREAMS,
  jobOf,
  TARGETS,
  type BenchCase,
  type Target,
} from './cases.js';
import type { BenchPostgres } from './postgres.js';
import { cpuSeconds, LoadProcess, machineCpuSeconds, residentMib, startBareProxy } from './processes.js';
import { Runs } from './report.js';

export interface BenchOptions {
  rounds: number;
  quick: boolean;
  /** Accounts, each with a key and a wallet; connections take them in turn. */
  wallets: number;
  /** Gateway processes on the one database; connections take them in turn. */
  gateways: number;
  /** Minutes of steady load for the growth of memory; 0 leaves it out. */
  soakMinutes: number;
}

export interface Memory {
  idleMib: number;
  heldStreamsMib: number;
  /** Growth over the soak in percent; `null` without one. */
  growthPercent: number | null;
}

export interface BenchResult {
  cases: BenchCase[];
  runs: Runs;
  memory: Memory;
  audit: MoneyAudit;
}

const SETTLE_DOWN_MS = 2_000;
const HELD_OPEN_MS = 4_000;
const BETWEEN_RUNS_MS = 150;
const WARM_UP_MS = 2_000;
/** The compiler has done its work after some ten thousand answers; a slow machine gets half a minute for them. */
const WARM_UP_ANSWERS = 16_000;
const WARM_UP_RUNS_MAX = 15;

/** The compile cache that tests start with costs memory that a gateway of a user does not. */
const AS_STARTED = { NODE_COMPILE_CACHE: '' };

/** One load run: its processes, and the way to each target. */
export class Bench {
  private readonly load = new LoadProcess();
  private readonly runs = new Runs();
  private models: Record<keyof typeof BEHAVIOUR_OF | 'held', string> = { plain: '', burst: '', slow: '', held: '' };
  private keys: string[] = [];
  private readonly gateways: GatewayProcess[];
  /** Started and ready, nothing asked of it yet. */
  private idleMib = 0;

  private constructor(
    private readonly options: BenchOptions,
    private readonly world: World,
    private readonly bare: { url: string; pid: number; stop: () => void },
    private readonly postgres: BenchPostgres,
  ) {
    this.gateways = [world.gateway];
  }

  static async start(options: BenchOptions, postgres: BenchPostgres): Promise<Bench> {
    const upstream = await UpstreamProcess.start({ record: false });
    const database = { url: postgres.url, drop: () => Promise.resolve() };
    const world = await World.create(AS_STARTED, { database, upstream });
    const bench = new Bench(options, world, await startBareProxy(upstream.url), postgres);
    await sleep(SETTLE_DOWN_MS);
    bench.idleMib = residentMib(world.gateway.pid);
    while (bench.gateways.length < options.gateways) bench.gateways.push(await world.startAnother());
    await bench.prepare();
    return bench;
  }

  async run(progress: (text: string) => void): Promise<BenchResult> {
    const cases = benchCases(this.options.quick);
    await this.warmUp();
    for (let round = 1; round <= this.options.rounds; round += 1) {
      for (const bench of cases) {
        for (const target of TARGETS) await this.measure(bench, target, round);
        progress(`round ${round.toString()}/${this.options.rounds.toString()}: ${bench.name}`);
      }
    }
    progress(`${HELD_STREAMS.toString()} open streams`);
    const heldStreamsMib = await this.memoryWithHeldStreams();
    const growthPercent = this.options.soakMinutes > 0 ? await this.soak(progress) : null;
    progress('audit');
    const audit = await auditMoney(this.postgres.url);
    return { cases, runs: this.runs, memory: { idleMib: this.idleMib, heldStreamsMib, growthPercent }, audit };
  }

  async stop(): Promise<void> {
    this.load.stop();
    this.bare.stop();
    for (const other of this.gateways.slice(1)) await other.stop();
    await this.world.destroy();
  }

  private async prepare(): Promise<void> {
    for (const [kind, behaviour] of Object.entries({ ...BEHAVIOUR_OF, held: HELD_BEHAVIOUR })) {
      this.models = { ...this.models, [kind]: (await this.world.model({ behaviours: [behaviour] })).key };
    }
    for (let at = 0; at < this.options.wallets; at += 1) {
      this.keys.push((await this.world.key({ credits: { standard: '100000' } })).key);
    }
  }

  /** Until the compiler has seen the hot path often enough. */
  private async warmUp(): Promise<void> {
    const wanted = this.options.quick ? WARM_UP_ANSWERS / 8 : WARM_UP_ANSWERS;
    for (const kind of ['plain', 'burst'] as const) {
      for (const target of TARGETS) {
        const job = this.job({ name: 'warm-up', kind, connections: 64, durationMs: WARM_UP_MS }, target);
        let answers = 0;
        for (let at = 0; at < WARM_UP_RUNS_MAX && answers < wanted; at += 1) {
          answers += (await this.load.run(job)).answers;
        }
      }
    }
    await waitUntilSettled(this.postgres.url);
  }

  private async measure(bench: BenchCase, target: Target, round: number): Promise<void> {
    const pids = this.pidsOf(target);
    const cpuBefore = cpuSeconds(pids);
    const foreignBefore = this.foreignCpuSeconds();
    const result = await this.load.run(this.job(bench, target));
    const foreignCpu = this.foreignCpuSeconds() - foreignBefore;
    // What the run left to settle belongs to its price: it is waited for before the next run starts.
    if (target === 'gateway') await waitUntilSettled(this.postgres.url);
    else await sleep(BETWEEN_RUNS_MS);
    const cpuMicros = (cpuSeconds(pids) - cpuBefore) * 1_000_000;
    this.runs.add({
      bench,
      target,
      round,
      result,
      perSecond: result.answers / (result.elapsedMs / 1000),
      cpuMicrosPerAnswer: cpuMicros / Math.max(1, result.answers),
      foreignCores: Math.max(0, foreignCpu / (result.elapsedMs / 1000)),
    });
  }

  /** What the machine did for others than this run: its own children and Postgres are taken off. */
  private foreignCpuSeconds(): number {
    return machineCpuSeconds() - cpuSeconds([process.pid, ...this.postgres.pids()]);
  }

  private job(bench: BenchCase, target: Target): ReturnType<typeof jobOf> {
    if (target === 'gateway') return jobOf(bench, this.gatewayUrls(), this.models[bench.kind], this.keys);
    const url = target === 'direct' ? this.world.upstream.url : this.bare.url;
    return jobOf(bench, [url], BEHAVIOUR_OF[bench.kind], []);
  }

  private gatewayUrls(): string[] {
    return this.gateways.map(({ url }) => `${url}/openai/v1`);
  }

  private pidsOf(target: Target): number[] {
    if (target === 'direct') return [];
    return target === 'bare' ? [this.bare.pid] : [...this.gateways.map(({ pid }) => pid), ...this.postgres.pids()];
  }

  private async memoryWithHeldStreams(): Promise<number> {
    const running = this.load.run({
      urls: [`${this.world.url}/openai/v1/chat/completions`],
      keys: this.keys,
      body: bodyOf(this.models.held, true),
      connections: HELD_STREAMS,
      durationMs: 0,
      mode: 'hold',
    });
    await sleep(HELD_OPEN_MS);
    const mib = residentMib(this.world.gateway.pid);
    const result = await running;
    const bench: BenchCase = { name: 'held', kind: 'slow', connections: HELD_STREAMS, durationMs: 0 };
    this.runs.add({ bench, target: 'gateway', round: 0, result, perSecond: 0, cpuMicrosPerAnswer: 0, foreignCores: 0 });
    return mib;
  }

  /** Steady load; the first minute is the gateway's own warming up. */
  private async soak(progress: (text: string) => void): Promise<number> {
    const bench: BenchCase = { name: 'soak', kind: 'plain', connections: 16, durationMs: 60_000 };
    await this.load.run(this.job(bench, 'gateway'));
    const before = residentMib(this.world.gateway.pid);
    for (let minute = 1; minute <= this.options.soakMinutes; minute += 1) {
      await this.load.run(this.job(bench, 'gateway'));
      progress(`soak ${minute.toString()} min: ${residentMib(this.world.gateway.pid).toFixed(0)} MiB`);
    }
    return (residentMib(this.world.gateway.pid) / before - 1) * 100;
  }
}
