import type { ReRateDifference, ReRateReport, ReRateRequest } from '../../src/billing/index.js';
import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

describe('rating recorded usage again', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    await world.stop();
  });

  /** Records of requests made in the minute of `atMs`, each of its output tokens at two micro-credits. */
  async function recorded(atMs: number, outputTokens: readonly number[]): Promise<string[]> {
    const ids = outputTokens.map((_, at) => newRequestId(atMs + (at % 60_000)));
    await world.sql.query(
      `insert into usage_record (account_id, request_id, client_request_id, api_key_id, model_id, model_key, tier, stream,
          status, output_tokens, credits_used, credits_charged, usage_source, price_id, frozen, created_at)
        select $1, r.id, 'c', $1, $2, 'test/model', 'standard', false, 'settled', r.tokens, r.tokens * 2, r.tokens * 2,
          'provider', $3, 1, now()
        from unnest($4::text[], $5::integer[]) as r (id, tokens)`,
      [newId(), world.modelId, world.priceId, ids, outputTokens],
    );
    return ids;
  }

  async function run(atMs: number, more: Partial<ReRateRequest> = {}): Promise<[ReRateReport, ReRateDifference[]]> {
    const differences: ReRateDifference[] = [];
    const range = { from: new Date(atMs), to: new Date(atMs + 60_000) };
    const report = await world.reRate.run({ ...range, ...more }, (difference) => differences.push(difference));
    return [report, differences];
  }

  const day = (number: number): number => Date.UTC(2026, 0, number);

  it('reproduces every amount of thousands of records under their own versions', async () => {
    await recorded(
      day(1),
      Array.from({ length: 4_500 }, (_, at) => at),
    );
    const [report, differences] = await run(day(1));
    expect(differences).toEqual([]);
    expect(report).toMatchObject({ requests: 4_500, differences: 0, recordedMicros: 4_499n * 4_500n, price: null });
    expect(report.sums).toEqual([
      expect.objectContaining({ modelKey: 'test/model', priceId: world.priceId, requests: 4_500 }),
    ]);
  });

  it('names each record that is not what its version says, to the micro-credit', async () => {
    const [, second = '', third = ''] = await recorded(day(2), [10, 20, 30]);
    await world.sql.query('update usage_record set credits_used = 41, credits_charged = 41 where request_id = $1', [
      second,
    ]);
    await world.sql.query('update usage_record set price_id = $1 where request_id = $2', [newId(), third]);
    const [report, differences] = await run(day(2));
    expect(report.differences).toBe(2);
    expect(differences).toMatchObject([
      { requestId: second, recordedMicros: 41n, reRatedMicros: 40n },
      { requestId: third, recordedMicros: 60n, reRatedMicros: null },
    ]);
  });

  it('tells what requests would have cost under another version, by its id or its number', async () => {
    await recorded(day(3), [10, 20, 30]);
    const priceId = newId();
    await world.sql.query(
      `insert into model_price (id, model_id, version, input_per_mtok, output_per_mtok, cache_read_per_mtok, cache_write_per_mtok, effective_at)
        values ($1, $2, 2, 0, 2500001, 0, 0, now() + interval '1 day')`,
      [priceId, world.modelId],
    );
    const [byId] = await run(day(3), { price: priceId });
    // Rounded up for each request: 25.00001, 50.00002 and 75.00003.
    expect(byId).toMatchObject({ requests: 3, recordedMicros: 120n, reRatedMicros: 153n, differences: 0 });
    const [byNumber] = await run(day(3), { price: '2', model: world.modelId });
    expect(byNumber.reRatedMicros).toBe(153n);
  });

  it('rates late outcomes, and nothing that was released or failed', async () => {
    const ids = await recorded(day(4), [10, 20, 30, 40]);
    const states = ['expired', 'released', 'failed', 'expired'];
    for (const [at, id] of ids.entries()) {
      const isLate = at === 0;
      await world.sql.query(
        `update usage_record set status = $2, credits_charged = 0, credits_used = $3, shortfall = $3, outcome = $4 where request_id = $1`,
        [id, states[at], isLate ? 20 : 0, isLate || at === 2 ? { disposition: 'charge' } : null],
      );
    }
    const [report, differences] = await run(day(4));
    expect(differences).toEqual([]);
    expect(report).toMatchObject({ requests: 4, recordedMicros: 20n, reRatedMicros: 20n });
  });

  it('looks at the given time and model only', async () => {
    await recorded(day(5), [10]);
    await recorded(day(5) + 60_000, [99]);
    expect((await run(day(5)))[0]).toMatchObject({ requests: 1, recordedMicros: 20n });
    expect((await run(day(5), { model: 'test/model' }))[0].requests).toBe(1);
    expect((await run(day(5), { model: 'another/model' }))[0].requests).toBe(0);
    expect((await run(day(5), { model: newId() }))[0].requests).toBe(0);
  });

  it('refuses prices and models that do not exist', async () => {
    await expect(run(day(6), { price: newId() })).rejects.toMatchObject({ code: 'invalid_field', param: 'price' });
    await expect(run(day(6), { price: '1' })).rejects.toMatchObject({ param: 'price' });
    await expect(run(day(6), { price: '1', model: 'no/model' })).rejects.toMatchObject({ param: 'model' });
    await expect(run(day(6), { price: '77', model: world.modelId })).rejects.toMatchObject({ param: 'price' });
  });
});
