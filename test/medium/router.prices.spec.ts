import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { pollUntil } from '../support/poll.js';
import { RouterContext } from '../support/router-context.js';

const until = (isSo: () => boolean): Promise<true> =>
  pollUntil(() => Promise.resolve(isSo() ? true : null), 'the price of that time');

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

  const versionsIn = (modelId: string): (number | undefined)[] =>
    [context, other].map(({ router }) => router.findModel(modelId)?.price?.version);

  it('come into force at their time in every process, without a write', async () => {
    const { id } = await context.servedModel();
    const effectiveAt = await timeIn(1_500);
    const scheduled = await context.prices.create(id, { rates: { outputPerMtok: micros(5n) }, effectiveAt });
    expect(scheduled).toMatchObject({ version: 2, effectiveAt, outputPerMtok: 5n, inputPerMtok: 200_000_000n });
    await Promise.all([context.feed.catchUp(), other.feed.catchUp()]);
    expect(versionsIn(id)).toEqual([1, 1]);
    await until(() => versionsIn(id).every((version) => version === 2));
    const lateMs = (await timeIn(0)).getTime() - effectiveAt.getTime();
    expect(lateMs).toBeGreaterThanOrEqual(0);
    expect(lateMs).toBeLessThan(1_000);
    expect(context.router.findModel(id)?.price?.outputPerMtok).toBe(5n);
    expect(context.router.catalog().updatedAt.getTime()).toBeGreaterThanOrEqual(effectiveAt.getTime());
  });

  it('follow each other, and an immediate change does not take a scheduled one away', async () => {
    const { id } = await context.servedModel();
    await context.prices.create(id, { rates: { outputPerMtok: micros(30n) }, effectiveAt: await timeIn(1_800) });
    await context.prices.create(id, { rates: { outputPerMtok: micros(20n) }, effectiveAt: await timeIn(900) });
    await context.models.patch(id, { rates: { outputPerMtok: micros(10n) } });
    await Promise.all([context.feed.catchUp(), other.feed.catchUp()]);
    const seen: (bigint | undefined)[] = [];
    await until(() => {
      const rate = other.router.findModel(id)?.price?.outputPerMtok;
      if (rate !== seen.at(-1)) seen.push(rate);
      return rate === 30n;
    });
    expect(seen).toEqual([10n, 20n, 30n]);
    expect((await context.prices.list(id)).map(({ version }) => version)).toEqual([4, 3, 2, 1]);
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
    const model = await context.models.create({
      modelKey: `m-${newId()}`,
      tier: 'economy',
      contextWindow: 9,
      maxOutputTokens: 9,
    });
    const rates = { inputPerMtok: micros(1n), outputPerMtok: micros(2n) };
    await context.prices.create(model.id, { rates, effectiveAt: await timeIn(700) });
    const enable = () => context.models.patch(model.id, { enabled: true });
    await expect(enable()).rejects.toMatchObject({ code: 'price_required' });
    await until(() => context.router.findModel(model.id)?.price?.version === 1);
    expect(await enable()).toMatchObject({ enabled: true, price: { version: 1 } });
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
