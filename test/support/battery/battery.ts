import type { UsageView } from '../admin.js';
import { chat } from '../chat.js';
import { pollUntil } from '../poll.js';
import type { Call } from '../upstream/calls.js';
import { unique, World, type TestKey } from '../world.js';
import type { BatteryAdapter } from './adapters.js';
import type { BatteryCase } from './case.js';
import { readAnswer, type ReadAnswer } from './reading.js';

export type Mode = 'whole' | 'stream';

/** One line of the explanation. */
export interface SeenAttempt {
  provider: string;
  error_class: string | null;
  reason: string | null;
}

/** Everything that is known of one call when it is over. */
export interface Seen {
  answer: ReadAnswer;
  /** Provider names in order of priority. */
  providers: readonly string[];
  attempts: readonly SeenAttempt[];
  usage: UsageView;
  /** Name of the adapter. */
  adapter: string;
  /** What the upstream received, in order. */
  received: readonly Call[];
}

/** Calls that run at once: enough to be quick, few enough for two cores. */
const AT_ONCE = 12;
const CREDITS = '1000';
const SETTLED_WITHIN_MS = 60_000;

/** A case and who has to pass it. */
export type Planned = readonly [adapter: BatteryAdapter, one: BatteryCase];

interface Ran {
  answer: ReadAnswer;
  providers: readonly string[];
  marker: string;
}

/** Runs cases through a real gateway process against the upstream, many at once, on one wallet. */
export class Battery {
  private readonly seen = new Map<string, Seen | Error>();
  private readonly providers = new Map<string, Promise<{ id: string; name: string }>>();

  private constructor(
    readonly world: World,
    readonly key: TestKey,
  ) {}

  static async start(env: Record<string, string> = {}): Promise<Battery> {
    const world = await World.create(env);
    return new Battery(world, await world.key({ credits: { standard: CREDITS } }));
  }

  stop(): Promise<void> {
    return this.world.destroy();
  }

  /** Runs every case with its adapter, and waits until every call is settled. */
  async run(plan: readonly Planned[]): Promise<void> {
    const ran = new Map<string, Ran | Error>();
    const jobs = plan.map(([adapter, one]) => async (): Promise<void> => {
      const model = await this.model(adapter, one).catch(errorOf);
      for (const mode of modesOf(one)) {
        const call = model instanceof Error ? model : await this.call(model, one, mode).catch(errorOf);
        ran.set(nameOf(adapter, one, mode), call);
      }
    });
    await inTurns(jobs, AT_ONCE);
    const usage = await this.settled([...ran.values()].flatMap((one) => (one instanceof Error ? [] : [idOf(one)])));
    const looks = [...ran].map(([name, one]) => async (): Promise<void> => {
      const adapter = name.slice(0, name.indexOf(':'));
      this.seen.set(name, one instanceof Error ? one : await this.look(one, adapter, usage).catch(errorOf));
    });
    await inTurns(looks, AT_ONCE);
  }

  /** What a case came to. @throws what went wrong while it ran. */
  result(adapter: BatteryAdapter, one: BatteryCase, mode: Mode): Seen {
    const seen = this.seen.get(nameOf(adapter, one, mode));
    if (seen === undefined) throw new Error('the case was not run');
    if (seen instanceof Error) throw seen;
    return seen;
  }

  /** Everything that was charged, in micro-credits. */
  charged(): bigint {
    const amounts = [...this.seen.values()].map((one) => (one instanceof Error ? '0' : one.usage.credits_charged));
    return amounts.reduce((sum, amount) => sum + microsOf(amount), 0n);
  }

  /** What is left of the wallet, in micro-credits. */
  async left(): Promise<bigint> {
    const { available, frozen } = await this.world.admin.wallet(this.key.accountId, 'standard');
    return microsOf(CREDITS) - microsOf(available) - microsOf(frozen);
  }

  /** One call of a model, not part of the plan. */
  async ask(model: string, body: Record<string, unknown>): Promise<ReadAnswer> {
    return readAnswer(await chat(this.world.url, { model, ...body }, { key: this.key.key }));
  }

  /** A model with an endpoint for each behaviour of a case. */
  async model(adapter: BatteryAdapter, one: BatteryCase): Promise<{ key: string; providers: string[] }> {
    const { admin, upstream } = this.world;
    const { id, key } = await this.world.model({ behaviours: [] });
    const providers: string[] = [];
    for (const [at, behaviour] of one.behaviours.entries()) {
      const baseUrl = upstream.url.replace(/\/v1$/, adapter.path);
      const provider = await this.provider(adapter.adapter, addressOf(behaviour, baseUrl), at);
      providers.push(provider.name);
      await admin.post(`/models/${id}/endpoints`, {
        provider_id: provider.id,
        upstream_model: behaviour.endsWith(':') ? 'ok' : behaviour,
        priority: at + 1,
        ...(at === 0 ? one.endpoint : {}),
      });
    }
    return { key, providers };
  }

  /** Cases share providers: what is kept in mind of an endpoint is not kept of its provider. */
  private provider(adapter: string, baseUrl: string, at: number): Promise<{ id: string; name: string }> {
    const name = `${adapter} ${String(at)} ${baseUrl}`;
    const known = this.providers.get(name) ?? this.world.provider({ adapter, base_url: baseUrl });
    this.providers.set(name, known);
    return known;
  }

  private async call(
    { key: model, providers }: { key: string; providers: readonly string[] },
    one: BatteryCase,
    mode: Mode,
  ): Promise<Ran> {
    const marker = unique('battery');
    const request = { messages: [{ role: 'user', content: 'hi' }], ...one.request };
    const body = {
      model,
      ...request,
      messages: marked(request.messages, marker),
      ...(mode === 'stream' ? { stream: true, stream_options: { include_usage: true } } : {}),
    };
    const response = await chat(this.world.url, body, { key: this.key.key });
    return { answer: await readAnswer(response), providers, marker };
  }

  private async look(ran: Ran, adapter: string, usage: ReadonlyMap<string, UsageView>): Promise<Seen> {
    const id = idOf(ran);
    const record = usage.get(id);
    if (record === undefined) throw new Error(`no usage record of ${id}`);
    const [trace, received] = await Promise.all([this.world.admin.trace(id), this.world.upstream.calls(ran.marker)]);
    const stage = trace.stages.find((known) => known.stage === 'provider');
    const attempts = (stage?.['attempts'] ?? []) as SeenAttempt[];
    return { answer: ran.answer, providers: ran.providers, attempts, usage: record, adapter, received };
  }

  /** The records of all calls, when none is pending any more. */
  private settled(ids: readonly string[]): Promise<Map<string, UsageView>> {
    const ask = async (): Promise<Map<string, UsageView> | null> => {
      const records = await this.records();
      return ids.every((id) => records.has(id) && records.get(id)?.status !== 'pending') ? records : null;
    };
    return pollUntil(ask, 'every call to be settled', SETTLED_WITHIN_MS);
  }

  private async records(): Promise<Map<string, UsageView>> {
    const records = new Map<string, UsageView>();
    let cursor: string | null = '';
    while (cursor !== null) {
      const after: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page: { data: UsageView[]; next_cursor: string | null } = await this.world.admin.get(
        `/usage?account_id=${this.key.accountId}&limit=100${after}`,
      );
      for (const record of page.data) records.set(record.request_id, record);
      cursor = page.next_cursor;
    }
    return records;
  }
}

/** The cases that adapters have to pass. */
export function planOf(adapters: readonly BatteryAdapter[], cases: readonly BatteryCase[]): Planned[] {
  return adapters.flatMap((adapter) =>
    cases
      .filter(
        ({ name, adapters: about }) => !adapter.without?.includes(name) && about?.includes(adapter.name) !== false,
      )
      .map((one): Planned => [adapter, one]),
  );
}

export function modesOf({ only }: BatteryCase): readonly Mode[] {
  return only === undefined ? ['whole', 'stream'] : [only];
}

/** Micro-credits of a decimal amount. */
export function microsOf(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

/** The upstream, or an address where nobody can be reached or trusted. */
function addressOf(behaviour: string, baseUrl: string): string {
  if (behaviour === 'refused:') return baseUrl.replace(/:\d+/, ':1');
  return behaviour === 'tls:' ? baseUrl.replace('http:', 'https:') : baseUrl;
}

/** The text of the last user message carries the marker by which the upstream's record is found. */
function marked(messages: readonly unknown[], marker: string): unknown[] {
  const [first, ...others] = messages as { role: string; content: unknown }[];
  const { role, content } = first ?? { role: 'user', content: '' };
  const text = Array.isArray(content)
    ? [...(content as unknown[]), { type: 'text', text: marker }]
    : `${String(content)} ${marker}`;
  return [{ role, content: text }, ...others];
}

function idOf({ answer }: Ran): string {
  return answer.headers.get('x-daoe-request-id') ?? '';
}

function nameOf(adapter: BatteryAdapter, { name }: BatteryCase, mode: Mode): string {
  return `${adapter.name}: ${name} (${mode})`;
}

function errorOf(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Runs jobs, at most so many at once. */
async function inTurns(jobs: readonly (() => Promise<void>)[], atOnce: number): Promise<void> {
  const waiting = [...jobs];
  const work = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
