import { auditDatabase } from '../support/audit.js';
import { chat, chatStream, prompt } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type ModelOptions, type TestKey } from '../support/world.js';
import { RawUpstream, type RawAnswer } from './raw-upstream.js';

const HONEST_CALLERS = 4;
const CREDITS = { economy: '100000000', standard: '100000000', premium: '100000000' };

/** One kind of hostility, beside which honest callers are served. Add one to a list of `main.ts`. */
export interface Scene {
  name: string;
  /** Prepares what it needs (models, bodies, answers). Not measured. @returns what is measured. */
  prepare(stage: Stage): Promise<() => Promise<string>>;
}

/** What was seen while a scene ran. */
export interface Measured {
  scene: string;
  /** What came of it, in the words of the scene. */
  came: string;
  /** CPU time of the longest hold of the gateway's event loop. */
  heldMs: number;
  /** Largest delay of that loop, by the clock: other programs on the machine are in it. */
  delayMs: number;
  honestP99Ms: number;
  honestCalls: number;
  honestFailures: number;
}

/** A gateway process, an honest upstream and a hostile one, and two accounts: the hostile caller's and the honest one's. */
export class Stage {
  private model = '';

  private constructor(
    readonly world: World,
    readonly raw: RawUpstream,
    readonly hostile: TestKey,
    private readonly honest: TestKey,
    private readonly metricsUrl: string,
  ) {}

  static async open(): Promise<Stage> {
    const world = await World.create({ METRICS_PORT: '0' });
    const raw = await RawUpstream.start();
    const metricsUrl = await pollUntil(() => Promise.resolve(metricsUrlOf(world)), 'the port of the metrics');
    const keys = await Promise.all([world.key({ credits: CREDITS }), world.key({ credits: CREDITS })]);
    const stage = new Stage(world, raw, ...keys, metricsUrl);
    stage.model = (await world.model({ behaviours: ['ok-n20'] })).key;
    return stage;
  }

  /** A model at the hostile upstream. @returns its name for callers. */
  async rawModel(answer: RawAnswer | null, options: ModelOptions = {}): Promise<string> {
    const upstreamModel = unique('raw');
    if (answer !== null) this.raw.set(upstreamModel, answer);
    const provider = { base_url: this.raw.url, ...options.provider };
    return (await this.world.model({ ...options, behaviours: [upstreamModel], provider })).key;
  }

  /** Sends a body as the hostile caller. @returns the status, and the code of an error. */
  async send(body: string): Promise<string> {
    const response = await chat(this.world.url, body, { key: this.hostile.key });
    const text = await response.text();
    const code = /"code":"([a-z_]+)"/.exec(text)?.[1];
    return `${response.status.toString()}${response.status === 200 || code === undefined ? '' : ` ${code}`}`;
  }

  /** Runs a scene with honest traffic beside it. */
  async measure(scene: Scene): Promise<Measured> {
    const run = await scene.prepare(this);
    const times: number[] = [];
    let failures = 0;
    let isOver = false;
    const callers = Array.from({ length: HONEST_CALLERS }, async () => {
      while (!isOver) {
        const startedMs = performance.now();
        const answer = await chatStream(this.world.url, prompt(this.model), { key: this.honest.key });
        times.push(performance.now() - startedMs);
        if (!answer.done || answer.error !== undefined) failures += 1;
      }
    });
    await this.readLoop();
    const came = await run();
    const { heldMs, delayMs } = await this.readLoop();
    isOver = true;
    await Promise.all(callers);
    times.sort((a, b) => a - b);
    const honestP99Ms = times[Math.floor((times.length - 1) * 0.99)] ?? 0;
    return {
      scene: scene.name,
      came,
      heldMs,
      delayMs,
      honestP99Ms,
      honestCalls: times.length,
      honestFailures: failures,
    };
  }

  /** Waits until every freeze has ended, and recomputes all money. @returns the differences. */
  async audit(): Promise<string[]> {
    const isSettled = async (): Promise<true | null> => {
      const open = await this.world.admin.get<{ data: unknown[] }>('/freezes?state=held');
      const captured = await this.world.admin.get<{ data: unknown[] }>('/freezes?state=captured');
      return open.data.length + captured.data.length === 0 ? true : null;
    };
    await pollUntil(isSettled, 'the end of all freezes');
    return auditDatabase(this.world.database.url);
  }

  async close(): Promise<void> {
    this.raw.stop();
    await this.world.destroy();
  }

  /** Since the last reading. */
  private async readLoop(): Promise<{ heldMs: number; delayMs: number }> {
    const text = await (await fetch(this.metricsUrl)).text();
    const valueOf = (name: string): number => Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? NaN) * 1_000;
    return { heldMs: valueOf('event_loop_held_seconds'), delayMs: valueOf('nodejs_eventloop_lag_max_seconds') };
  }
}

function metricsUrlOf({ gateway }: World): string | null {
  const line = gateway.logLines().find(({ msg }) => msg === 'metrics have a port of their own');
  return line === undefined ? null : `http://127.0.0.1:${String(line['port'])}/metrics`;
}
