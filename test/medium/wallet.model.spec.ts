import fc from 'fast-check';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { SettlementDesk, type KeyLimits } from '../../src/wallet/index.js';
import { createTestDatabase } from '../support/database.js';
import { MoneyWorld, NO_LIMITS } from '../support/money-world.js';
import { ShiftedClock } from '../support/shifted-clock.js';

/** Limits of the key at the moment of the step; `null` does not restrict. */
interface Limits {
  daily: bigint | null;
  weekly: bigint | null;
}

type Touch = { which: number; amount: bigint } & (
  { do: 'extend'; limits: Limits } | { do: 'capture' | 'release' | 'expire' }
);

type Step =
  | { do: 'top_up' | 'adjust'; amount: bigint }
  | { do: 'freeze'; amount: bigint; limits: Limits }
  | Touch
  | { do: 'settle' }
  | { do: 'midnight'; days: number };

/** Enough that quotas refuse as often as the wallet does. */
const CREDITS = 600n;
const DAY_MS = 86_400_000;
/** A Saturday: the next week is near. */
const FIRST_DAY_MS = Date.UTC(2027, 0, 9);
const DAYS_SINCE_MONDAY = 5;

interface ModelFreeze {
  id: string;
  amount: bigint;
  state: 'held' | 'captured' | 'ended' | 'late';
  used: bigint;
  /** Day of its quota window. */
  day: number;
  hasOutcome: boolean;
}

/** The wallet in a few lines: what the database must agree with after every step. */
class Model {
  available = 0n;
  charged = 0n;
  shortfall = 0n;
  /** Today, in days since the first one of all histories. */
  day = 0;
  private readonly quotas = new Map<number, bigint>();
  readonly freezes: ModelFreeze[] = [];
  /** Outcomes in the order in which they came; they are settled in this order. */
  private readonly captured: ModelFreeze[] = [];

  get frozen(): bigint {
    return this.freezes.reduce(
      (sum, { state, amount }) => (state === 'held' || state === 'captured' ? sum + amount : sum),
      0n,
    );
  }

  daily(day: number): bigint {
    return this.quotas.get(day) ?? 0n;
  }

  /** From Monday to Sunday of the week of a day; the first day of all is a Saturday. */
  weekly(day: number): bigint {
    const monday = day - ((day + DAYS_SINCE_MONDAY) % 7);
    return Array.from({ length: 7 }, (_, at) => this.daily(monday + at)).reduce((sum, used) => sum + used, 0n);
  }

  /** Whether an amount fits into the wallet and the windows of a day; takes it if so. */
  take(amount: bigint, limits: Limits, day: number): boolean {
    if (this.available < amount) return false;
    if (limits.daily !== null && this.daily(day) + amount > limits.daily) return false;
    if (limits.weekly !== null && this.weekly(day) + amount > limits.weekly) return false;
    this.available -= amount;
    this.use(day, amount);
    return true;
  }

  private use(day: number, amount: bigint): void {
    this.quotas.set(day, this.daily(day) + amount);
  }

  end(freeze: ModelFreeze, used: bigint): void {
    const extra = used > freeze.amount ? used - freeze.amount : 0n;
    const taken = extra < this.available ? extra : this.available;
    const charged = used < freeze.amount ? used : freeze.amount + taken;
    this.available += freeze.amount - charged;
    this.charged += charged;
    this.shortfall += used - charged;
    this.use(freeze.day, used - freeze.amount);
    freeze.state = 'ended';
  }

  capture(freeze: ModelFreeze, used: bigint): void {
    freeze.used = used;
    freeze.hasOutcome = true;
    freeze.state = freeze.state === 'held' ? 'captured' : 'late';
    this.captured.push(freeze);
  }

  settle(): void {
    for (const freeze of this.captured.splice(0)) {
      if (freeze.state === 'captured') this.end(freeze, freeze.used);
      else if (freeze.state === 'late') {
        this.shortfall += freeze.used;
        this.use(freeze.day, freeze.used);
        freeze.state = 'ended';
      }
    }
  }
}

const amount = fc.bigInt({ min: 1n, max: 200n });
const limit = fc.option(fc.bigInt({ min: 0n, max: 500n }), { freq: 2 });
const limits: fc.Arbitrary<Limits> = fc.record({ daily: limit, weekly: limit });
const which = fc.nat(20);
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant('top_up' as const), amount }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('adjust' as const), amount: amount.map((value) => -value) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('freeze' as const), amount, limits }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('extend' as const), which, amount, limits }) },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constantFrom('capture' as const, 'release' as const, 'expire' as const),
        which,
        amount,
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('midnight' as const), days: fc.integer({ min: 1, max: 3 }) }) },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
);

describe('the wallet and a tiny model of it', () => {
  let world: MoneyWorld;
  let clock: ShiftedClock;
  /** Histories follow each other: the clock never goes back. */
  let daysBefore = 0;
  beforeAll(async () => {
    const database = await createTestDatabase();
    clock = await ShiftedClock.on(database);
    await clock.set(instantOf(0));
    world = await MoneyWorld.start({ database });
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
    await clock.close();
    await world.database.drop();
  });

  async function apply(accountId: string, model: Model, step: Step): Promise<void> {
    switch (step.do) {
      case 'settle':
        await world.settlement.settlePending();
        return model.settle();
      case 'midnight':
        model.day += step.days;
        await clock.set(instantOf(daysBefore + model.day));
        // The lease of this process would end with the day.
        return world.app.get(SettlementDesk).renewOwnLease();
      case 'top_up':
      case 'adjust':
        return credit(accountId, model, step);
      case 'freeze':
        return freeze(accountId, model, step);
      default: {
        const target = model.freezes[step.which % Math.max(1, model.freezes.length)];
        if (target !== undefined) await touch(accountId, model, target, step);
      }
    }
  }

  async function credit(
    accountId: string,
    model: Model,
    step: Extract<Step, { do: 'top_up' | 'adjust' }>,
  ): Promise<void> {
    const change = { accountId, tier: 'standard' as const, note: 'x', idempotencyKey: newId() };
    const request = { ...change, amountMicros: micros(step.amount) };
    if (model.available + step.amount < 0n) {
      return expect(world.wallets.adjust(request)).rejects.toMatchObject({ code: 'insufficient_balance' });
    }
    await (step.do === 'top_up' ? world.wallets.topUp(request) : world.wallets.adjust(request));
    // The same request again changes nothing.
    await (step.do === 'top_up' ? world.wallets.topUp(request) : world.wallets.adjust(request));
    model.available += step.amount;
  }

  async function freeze(accountId: string, model: Model, step: Extract<Step, { do: 'freeze' }>): Promise<void> {
    const request = world.freezeRequest(accountId, step.amount, { limits: limitsOf(step.limits) });
    const { day } = model;
    const fits = model.take(step.amount, step.limits, day);
    expect((await world.wallets.freeze(request)).ok).toBe(fits);
    if (!fits) return;
    model.freezes.push({ id: request.id, amount: step.amount, state: 'held', used: 0n, day, hasOutcome: false });
  }

  async function touch(accountId: string, model: Model, target: ModelFreeze, step: Touch): Promise<void> {
    if (step.do === 'extend') {
      const fits = target.state === 'held' && model.take(step.amount, step.limits, target.day);
      const request = { id: target.id, accountId, extraMicros: micros(step.amount), limits: limitsOf(step.limits) };
      expect((await world.wallets.extend(request)).ok).toBe(fits);
      if (fits) target.amount += step.amount;
    } else if (step.do === 'capture') {
      const result = await world.wallets.capture(accountId, target.id, world.outcome(Number(step.amount)));
      // The first outcome counts, for ever: the same one is known, another one is refused.
      if (target.hasOutcome) return expect(['duplicate', 'drift']).toContain(result);
      expect(result).toBe(target.state === 'held' ? 'captured' : 'late');
      model.capture(target, step.amount * 2n);
    } else if (step.do === 'release') {
      await release(accountId, model, target);
    } else if (target.state === 'held') {
      await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [newId(), target.id]);
      await world.sql.query(`select billing_expire_dead(10, '0')`);
      model.end(target, 0n);
    }
  }

  async function release(accountId: string, model: Model, target: ModelFreeze): Promise<void> {
    if (target.state !== 'held' && target.state !== 'ended') return;
    expect(await world.settlement.release(accountId, target.id)).toBe(target.state === 'held');
    if (target.state === 'held') model.end(target, 0n);
  }

  it('agree after every step of any history', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const accountId = await world.account(CREDITS);
        // The next history begins on a later Saturday, so that all begin alike.
        daysBefore += 7 * 16;
        await clock.set(instantOf(daysBefore));
        await world.app.get(SettlementDesk).renewOwnLease();
        const model = new Model();
        model.available = CREDITS;
        for (const step of history) {
          await apply(accountId, model, step);
          expect(await world.balance(accountId)).toEqual({ available: model.available, frozen: model.frozen });
        }
        await world.settlement.settlePending();
        model.settle();
        const [sums] = await world.sql.query<{ charged: string; shortfall: string }[]>(
          `select coalesce(sum(credits_charged), 0) as charged, coalesce(sum(shortfall), 0) as shortfall
            from usage_record where account_id = $1`,
          [accountId],
        );
        expect(sums).toEqual({ charged: model.charged.toString(), shortfall: model.shortfall.toString() });
        const { day } = model;
        const windows = { dailyMicros: model.daily(day), weeklyMicros: model.weekly(day) };
        expect(await world.wallets.quotaUsed(accountId, accountId)).toEqual(windows);
      }),
      { numRuns: 40 },
    );
  });
});

function instantOf(day: number): string {
  return new Date(FIRST_DAY_MS + day * DAY_MS).toISOString();
}

function limitsOf({ daily, weekly }: Limits): KeyLimits {
  return {
    ...NO_LIMITS,
    dailyMicros: daily === null ? null : micros(daily),
    weeklyMicros: weekly === null ? null : micros(weekly),
  };
}
