import fc from 'fast-check';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { SettlementDesk, type KeyLimits } from '../../src/wallet/index.js';
import { createTestDatabase } from '../support/database.js';
import { MoneyWorld, NO_LIMITS } from '../support/money-world.js';
import { ShiftedClock } from '../support/shifted-clock.js';
import {
  walletSteps,
  WalletModel,
  type Limits,
  type ModelFreeze,
  type Step,
  type Touch,
} from '../support/wallet-model.js';

const SECRET = `1:${Buffer.alloc(32, 9).toString('base64')}`;
const UNLIMITED: Limits = { daily: null, weekly: null };
/** Enough that quotas refuse as often as the wallet does. */
const CREDITS = 600n;
const DAY_MS = 86_400_000;
/** A Saturday: the next week is near. */
const FIRST_DAY_MS = Date.UTC(2027, 0, 9);
describe('the wallet and a tiny model of it', () => {
  /** Two processes on one database, which take turns. */
  let worlds: [MoneyWorld, MoneyWorld];
  /** The one whose turn it is. */
  let world: MoneyWorld;
  let clock: ShiftedClock;
  /** Histories follow each other: the clock never goes back. */
  let daysBefore = 0;
  beforeAll(async () => {
    const database = await createTestDatabase();
    clock = await ShiftedClock.on(database);
    await clock.set(instantOf(0));
    const settings = { HASH_SECRETS: SECRET, ENCRYPTION_SECRETS: SECRET };
    worlds = [await MoneyWorld.start({ database, settings }), await MoneyWorld.start({ database, settings })];
    [world] = worlds;
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    for (const one of worlds) await one.stop();
    await clock.close();
    await world.database.drop();
  });

  const renewLeases = async (): Promise<void> => {
    for (const one of worlds) await one.app.get(SettlementDesk).renewOwnLease();
  };

  async function apply(accountId: string, model: WalletModel, step: Step): Promise<void> {
    switch (step.do) {
      case 'settle':
        await world.settlement.settlePending();
        return model.settle();
      case 'midnight':
        model.day += step.days;
        await clock.set(instantOf(daysBefore + model.day));
        // The leases of these processes would end with the day.
        return renewLeases();
      case 'top_up':
      case 'adjust':
        return credit(accountId, model, step);
      case 'crowd':
        return crowd(accountId, model, step);
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
    model: WalletModel,
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

  async function freeze(accountId: string, model: WalletModel, step: Extract<Step, { do: 'freeze' }>): Promise<void> {
    const request = worlds[0].freezeRequest(accountId, step.amount, { limits: limitsOf(step.limits) });
    const { day } = model;
    const fits = model.take(step.amount, step.limits, day);
    expect((await world.wallets.freeze(request)).ok).toBe(fits);
    if (!fits) return;
    model.freezes.push(heldOf(request.id, step.amount, day));
  }

  /** Equal freezes at once, half by each process: exactly those are admitted for which there is room. */
  async function crowd(accountId: string, model: WalletModel, step: Extract<Step, { do: 'crowd' }>): Promise<void> {
    const requests = Array.from({ length: step.count }, () => worlds[0].freezeRequest(accountId, step.amount));
    const results = await Promise.all(requests.map((request, at) => worlds[(at % 2) as 0 | 1].wallets.freeze(request)));
    const admitted = requests.filter((_request, at) => results[at]?.ok === true);
    const fitting = requests.filter(() => model.take(step.amount, UNLIMITED, model.day));
    expect(admitted).toHaveLength(fitting.length);
    model.freezes.push(...admitted.map(({ id }) => heldOf(id, step.amount, model.day)));
  }

  async function correct(model: WalletModel, target: ModelFreeze, outputTokens: number): Promise<void> {
    const { id: requestId, charged, used } = target;
    const reason = { reason: 'wrong', actor: 'ada', idempotencyKey: newId() };
    const corrected = world.corrections.correct({ requestId, tokens: { outputTokens }, ...reason });
    if (charged === null) return expect(corrected).rejects.toMatchObject({ kind: expect.any(String) as string });
    if (used === BigInt(outputTokens) * 2n)
      return expect(corrected).rejects.toMatchObject({ code: 'correction_unchanged' });
    await corrected;
    model.correct(target, BigInt(outputTokens) * 2n);
  }

  async function touch(accountId: string, model: WalletModel, target: ModelFreeze, step: Touch): Promise<void> {
    if (step.do === 'extend') {
      const fits = target.state === 'held' && model.take(step.amount, step.limits, target.day);
      const request = { id: target.id, accountId, extraMicros: micros(step.amount), limits: limitsOf(step.limits) };
      expect((await world.wallets.extend(request)).ok).toBe(fits);
      if (fits) target.amount += step.amount;
    } else if (step.do === 'capture') {
      const result = await world.wallets.capture(accountId, target.id, worlds[0].outcome(Number(step.amount)));
      // The first outcome counts, for ever: the same one is known, another one is refused.
      if (target.hasOutcome) return expect(['duplicate', 'drift']).toContain(result);
      expect(result).toBe(target.state === 'held' ? 'captured' : 'late');
      model.capture(target, step.amount * 2n);
    } else if (step.do === 'correct') {
      await correct(model, target, Number(step.amount));
    } else if (step.do === 'release') {
      await release(accountId, model, target);
    } else if (target.state === 'held') {
      await world.sql.query('update wallet_freeze set process_id = $1 where id = $2', [newId(), target.id]);
      await world.sql.query(`select billing_expire_dead(10, '0')`);
      model.end(target, 0n);
    }
  }

  async function release(accountId: string, model: WalletModel, target: ModelFreeze): Promise<void> {
    if (target.state !== 'held' && target.state !== 'ended') return;
    expect(await world.settlement.release(accountId, target.id)).toBe(target.state === 'held');
    if (target.state === 'held') model.end(target, 0n);
  }

  it('agree after every step of any history', async () => {
    await fc.assert(
      fc.asyncProperty(walletSteps, async (history) => {
        const accountId = await world.account(CREDITS);
        // The next history begins on a later Saturday, so that all begin alike.
        daysBefore += 7 * 16;
        await clock.set(instantOf(daysBefore));
        await renewLeases();
        const model = new WalletModel();
        model.available = CREDITS;
        for (const [at, step] of history.entries()) {
          world = worlds[(at % 2) as 0 | 1];
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

function heldOf(id: string, amount: bigint, day: number): ModelFreeze {
  return { id, amount, state: 'held', used: 0n, charged: null, day, hasOutcome: false };
}

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
