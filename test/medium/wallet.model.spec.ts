import fc from 'fast-check';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { MoneyWorld, NO_LIMITS } from '../support/money-world.js';

type Step =
  | { do: 'top_up'; amount: bigint }
  | { do: 'freeze'; amount: bigint; daily: bigint | null }
  | { do: 'extend' | 'capture' | 'release' | 'expire'; which: number; amount: bigint }
  | { do: 'settle' };

interface ModelFreeze {
  id: string;
  amount: bigint;
  state: 'held' | 'captured' | 'ended' | 'late';
  used: bigint;
}

/** The wallet in ten lines: what the database must agree with after every step. */
class Model {
  available = 0n;
  charged = 0n;
  shortfall = 0n;
  quota = 0n;
  readonly freezes: ModelFreeze[] = [];
  /** Outcomes in the order in which they came; they are settled in this order. */
  private readonly captured: ModelFreeze[] = [];

  get frozen(): bigint {
    return this.freezes.reduce(
      (sum, { state, amount }) => (state === 'held' || state === 'captured' ? sum + amount : sum),
      0n,
    );
  }

  end(freeze: ModelFreeze, used: bigint): void {
    const extra = used > freeze.amount ? used - freeze.amount : 0n;
    const taken = extra < this.available ? extra : this.available;
    const charged = used < freeze.amount ? used : freeze.amount + taken;
    this.available += freeze.amount - charged;
    this.charged += charged;
    this.shortfall += used - charged;
    this.quota += used - freeze.amount;
    freeze.state = 'ended';
  }

  capture(freeze: ModelFreeze, used: bigint): void {
    freeze.used = used;
    freeze.state = freeze.state === 'held' ? 'captured' : 'late';
    this.captured.push(freeze);
  }

  settle(): void {
    for (const freeze of this.captured.splice(0)) {
      if (freeze.state === 'captured') this.end(freeze, freeze.used);
      else if (freeze.state === 'late') {
        this.shortfall += freeze.used;
        this.quota += freeze.used;
        freeze.state = 'ended';
      }
    }
  }
}

const amount = fc.bigInt({ min: 1n, max: 200n });
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('top_up' as const), amount }),
    fc.record({ do: fc.constant('freeze' as const), amount, daily: fc.option(fc.bigInt({ min: 0n, max: 400n })) }),
    fc.record({
      do: fc.constantFrom('extend' as const, 'capture' as const, 'release' as const, 'expire' as const),
      which: fc.nat(20),
      amount,
    }),
    fc.record({ do: fc.constant('settle' as const) }),
  ),
  { maxLength: 25 },
);

describe('the wallet and a tiny model of it', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  async function apply(accountId: string, model: Model, step: Step): Promise<void> {
    if (step.do === 'settle') {
      await world.settlement.settlePending();
      return model.settle();
    }
    if (step.do === 'top_up') {
      const change = { accountId, tier: 'standard' as const, note: 'x', idempotencyKey: newId() };
      await world.wallets.topUp({ ...change, amountMicros: micros(step.amount) });
      model.available += step.amount;
      return;
    }
    if (step.do === 'freeze') return freeze(accountId, model, step);
    const target = model.freezes[step.which % Math.max(1, model.freezes.length)];
    if (target !== undefined) await touch(accountId, model, target, step);
  }

  async function freeze(accountId: string, model: Model, step: Extract<Step, { do: 'freeze' }>): Promise<void> {
    const limits = { ...NO_LIMITS, dailyMicros: step.daily === null ? null : micros(step.daily) };
    const request = world.freezeRequest(accountId, step.amount, { limits });
    const fits = model.available >= step.amount && (step.daily === null || model.quota + step.amount <= step.daily);
    expect((await world.wallets.freeze(request)).ok).toBe(fits);
    if (!fits) return;
    model.available -= step.amount;
    model.quota += step.amount;
    model.freezes.push({ id: request.id, amount: step.amount, state: 'held', used: 0n });
  }

  async function touch(
    accountId: string,
    model: Model,
    target: ModelFreeze,
    step: { do: 'extend' | 'capture' | 'release' | 'expire'; amount: bigint },
  ): Promise<void> {
    if (step.do === 'extend') {
      const fits = target.state === 'held' && model.available >= step.amount;
      const request = { id: target.id, accountId, extraMicros: micros(step.amount), limits: NO_LIMITS };
      expect((await world.wallets.extend(request)).ok).toBe(fits);
      if (!fits) return;
      target.amount += step.amount;
      model.available -= step.amount;
      model.quota += step.amount;
    } else if (step.do === 'capture') {
      const tokens = Number(step.amount);
      const result = await world.wallets.capture(accountId, target.id, world.outcome(tokens));
      if (result !== 'captured' && result !== 'late') return;
      expect(result).toBe(target.state === 'held' ? 'captured' : 'late');
      model.capture(target, step.amount * 2n);
    } else if (target.state === 'held') {
      if (step.do === 'release') expect(await world.settlement.release(accountId, target.id)).toBe(true);
      else {
        await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [newId(), target.id]);
        await world.sql.query(`select billing_expire_dead(10, '0')`);
      }
      model.end(target, 0n);
    }
  }

  it('agree after every step of any history', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const accountId = await world.account(0n);
        const model = new Model();
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
        expect((await world.wallets.quotaUsed(accountId, accountId)).dailyMicros).toBe(model.quota);
      }),
      { numRuns: 100 },
    );
  }, 60_000);
});
