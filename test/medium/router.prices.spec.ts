import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import type { Price } from '../../src/router/index.js';
import { pollUntil, promised } from '../support/poll.js';
import { RouterContext } from '../support/router-context.js';

/** The longest lead that the slowest machine gets. */
const LEAD_MAX_MS = 32_000;

const until = (isSo: () => boolean, timeoutMs?: number): Promise<true> =>
  pollUntil(() => Promise.resolve(isSo() ? true : null), 'the price of that time', timeoutMs);

describe('price versions with a time', () => {
  let context: RouterContext;
  let other: RouterContext;
  beforeAll(async () => {
    context = await RouterContext.create();
    other = await context.another();
  });
  afterAll(async () => {
    await other.close();
    await context.destroy();
  });

  /** A time to come by the clock of the database. */
  async function timeIn(ms: number): Promise<Date> {
    const rows = await context.dataSource.query<{ at: Date }[]>(
      `select clock_timestamp() + $1 * interval '1 millisecond' as at`,
      [ms],
    );
    return rows[0]?.at ?? new Date();
  }

  /**
   * Arranges something for a time to come, again with twice the lead where the machine was too slow to be ready before it.
   * @returns the first result that is not `null`.
   */
  async function ahead<T>(arrange: (leadMs: number) => Promise<T | null>): Promise<T> {
    for (let leadMs = 500; leadMs <= LEAD_MAX_MS; leadMs *= 2) {
      const result = await arrange(leadMs);
      if (result !== null) return result;
    }
    throw new Error(`not ready ${String(LEAD_MAX_MS)} ms ahead`);
  }

  const isOver = async (time: Date): Promise<boolean> => (await timeIn(0)) >= time;

  /** A version at the time; `null` when the time was over before it could be written. */
  const scheduledFor = (modelId: string, effectiveAt: Date, output: bigint): Promise<Price | null> =>
    context.prices
      .create(modelId, { rates: { outputPerMtok: micros(output) }, effectiveAt })
      .catch(async (error: unknown) => {
        if (await isOver(effectiveAt)) return null;
        throw error;
      });

  const versionsIn = (modelId: string): (number | undefined)[] =>
    [context, other].map(({ router }) => router.findModel(modelId)?.price?.version);

  it('come into force at their time in every process, without a write', async () => {
    const { id, effectiveAt, versions } = await ahead(async (leadMs) => {
      const { id } = await context.servedModel();
      const effectiveAt = await timeIn(leadMs);
      const scheduled = await scheduledFor(id, effectiveAt, 5n);
      await Promise.all([context.feed.catchUp(), other.feed.catchUp()]);
      const versions = versionsIn(id);
      if (scheduled === null || (await isOver(effectiveAt))) return null;
      expect(scheduled).toMatchObject({ version: 2, effectiveAt, outputPerMtok: 5n, inputPerMtok: 200_000_000n });
      return { id, effectiveAt, versions };
    });
    expect(versions).toEqual([1, 1]);
    await until(() => versionsIn(id).every((version) => version === 2), promised(1_000 + LEAD_MAX_MS));
    expect(await isOver(effectiveAt)).toBe(true);
    expect(context.router.findModel(id)?.price?.outputPerMtok).toBe(5n);
    expect(context.router.catalog().updatedAt.getTime()).toBeGreaterThanOrEqual(effectiveAt.getTime());
  });

  it('follow each other, and an immediate change does not take a scheduled one away', async () => {
    // A machine that looks away for longer than a price is in force does not see it: then once more, slower.
    const versions = await ahead(async (leadMs) => {
      const { id } = await context.servedModel();
      const last = await scheduledFor(id, await timeIn(2 * leadMs), 30n);
      const middle = await scheduledFor(id, await timeIn(leadMs), 20n);
      await context.models.patch(id, { rates: { outputPerMtok: micros(10n) } });
      await Promise.all([context.feed.catchUp(), other.feed.catchUp()]);
      const seen: (bigint | undefined)[] = [];
      await until(() => {
        const rate = other.router.findModel(id)?.price?.outputPerMtok;
        if (rate !== seen.at(-1)) seen.push(rate);
        return last === null || rate === 30n;
      });
      if (last === null || middle === null || String(seen) !== '10,20,30') return null;
      return (await context.prices.list(id)).map(({ version }) => version);
    });
    expect(versions).toEqual([4, 3, 2, 1]);
  });

  it('take what they do not say from the version that they follow', async () => {
    const { id } = await context.servedModel();
    await context.prices.create(id, { rates: { inputPerMtok: micros(7n) }, effectiveAt: await timeIn(60_000) });
    const after = await context.prices.create(id, {
      rates: { outputPerMtok: micros(9n) },
      effectiveAt: await timeIn(90_000),
    });
    expect(after).toMatchObject({ inputPerMtok: 7n, outputPerMtok: 9n, cacheReadPerMtok: 20_000_000n });
    const now = await context.prices.create(id, { rates: { cacheReadPerMtok: micros(1n) } });
    expect(now).toMatchObject({ version: 4, inputPerMtok: 200_000_000n, cacheReadPerMtok: 1n });
    await context.feed.catchUp();
    expect(context.router.findModel(id)?.price?.version).toBe(4);
  });

  it('let a model with nothing but a scheduled price be enabled only when its time has come', async () => {
    const enable = (id: string) => context.models.patch(id, { enabled: true });
    const rates = { inputPerMtok: micros(1n), outputPerMtok: micros(2n) };
    const { id, refusal } = await ahead(async (leadMs) => {
      const fields = { tier: 'economy', contextWindow: 9, maxOutputTokens: 9 } as const;
      const { id } = await context.models.create({ modelKey: `m-${newId()}`, ...fields });
      const effectiveAt = await timeIn(leadMs);
      await context.prices.create(id, { rates, effectiveAt }).catch(() => undefined);
      const refusal: unknown = await enable(id).catch((error: unknown) => error);
      return (await isOver(effectiveAt)) ? null : { id, refusal };
    });
    expect(refusal).toMatchObject({ code: 'price_required' });
    await until(() => context.router.findModel(id)?.price?.version === 1);
    expect(await enable(id)).toMatchObject({ enabled: true, price: { version: 1 } });
  });

  it('can be taken back until shortly before their time, and never after', async () => {
    const { id } = await context.servedModel();
    const later = await context.prices.create(id, {
      rates: { outputPerMtok: micros(5n) },
      effectiveAt: await timeIn(60_000),
    });
    const soon = await context.prices.create(id, {
      rates: { outputPerMtok: micros(6n) },
      effectiveAt: await timeIn(3_000),
    });
    expect(await context.prices.cancel(id, later.id)).toMatchObject({ id: later.id });
    const [, first] = await context.prices.list(id);
    await expect(context.prices.cancel(id, soon.id)).rejects.toMatchObject({ code: 'price_in_force' });
    await expect(context.prices.cancel(id, first?.id ?? '')).rejects.toMatchObject({ code: 'price_in_force' });
    await expect(context.prices.cancel(id, later.id)).rejects.toMatchObject({ code: 'price_not_found' });
  });

  it('never begin in the past, and never say what is in force already', async () => {
    const { id } = await context.servedModel();
    const rates = { outputPerMtok: micros(5n) };
    await expect(context.prices.create(id, { rates, effectiveAt: await timeIn(-1) })).rejects.toMatchObject({
      code: 'invalid_field',
      param: 'effective_at',
    });
    await expect(context.prices.create(id, { rates: { outputPerMtok: micros(900_000_000n) } })).rejects.toMatchObject({
      code: 'invalid_field',
    });
    await expect(context.prices.create(newId(), { rates })).rejects.toMatchObject({ code: 'model_not_found' });
  });
});
