import fc from 'fast-check';

/** Limits of the key at the moment of the step; `null` does not restrict. */
export interface Limits {
  daily: bigint | null;
  weekly: bigint | null;
}

export type Touch = { which: number; amount: bigint } & (
  { do: 'extend'; limits: Limits } | { do: 'capture' | 'release' | 'expire' | 'correct' }
);

export type Step =
  | { do: 'top_up' | 'adjust'; amount: bigint }
  | { do: 'freeze'; amount: bigint; limits: Limits }
  | { do: 'crowd'; count: number; amount: bigint }
  | Touch
  | { do: 'settle' }
  | { do: 'midnight'; days: number };

/** Histories begin on a Saturday: the next week is near. */
const DAYS_SINCE_MONDAY = 5;

export interface ModelFreeze {
  id: string;
  amount: bigint;
  state: 'held' | 'captured' | 'ended' | 'late';
  /** Price of its outcome. */
  used: bigint;
  /** What was taken for it; `null` until it is settled. */
  charged: bigint | null;
  /** Day of its quota window. */
  day: number;
  hasOutcome: boolean;
}

/** The wallet in a few lines: what the database must agree with after every step. */
export class WalletModel {
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
    freeze.charged = freeze.hasOutcome ? charged : null;
  }

  /** The charge goes back, and what is right is charged as far as the wallet goes. */
  correct(freeze: ModelFreeze, used: bigint): void {
    const before = freeze.charged ?? 0n;
    const there = this.available + before;
    const charged = used < there ? used : there;
    this.available = there - charged;
    this.charged += charged - before;
    this.shortfall += used - charged - (freeze.used - before);
    this.use(freeze.day, used - freeze.used);
    freeze.used = used;
    freeze.charged = charged;
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
export const walletSteps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 2, arbitrary: fc.record({ do: fc.constant('top_up' as const), amount }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('adjust' as const), amount: amount.map((value) => -value) }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('freeze' as const), amount, limits }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('extend' as const), which, amount, limits }) },
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constantFrom('capture' as const, 'release' as const, 'expire' as const, 'correct' as const),
        which,
        amount,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant('crowd' as const), count: fc.integer({ min: 2, max: 8 }), amount }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('settle' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('midnight' as const), days: fc.integer({ min: 1, max: 3 }) }) },
  ),
  { minLength: 5, maxLength: 40, size: 'max' },
);
