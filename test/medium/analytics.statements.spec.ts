import fc from 'fast-check';
import { StatementService, type Statement } from '../../src/analytics/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { TIERS, type Tier } from '../../src/wallet/index.js';
import { MoneyWorld } from '../support/money-world.js';
import { figuresOfRows, figuresOfStatement } from '../support/statement-reference.js';

const LONG_AGO = new Date('2024-01-01T00:00:00Z');
/** First moment of February 2025 in UTC. */
const EDGE_MS = Date.UTC(2025, 1, 1);
const MINUTE_MS = 60_000;

interface Step {
  do: 'top_up' | 'adjust' | 'freeze' | 'settle' | 'release' | 'correct';
  tier: Tier;
  amount: number;
  /** Minutes after the step before. */
  after: number;
  /** Minutes that its transaction waited for the wallet. */
  waited: number;
  which: number;
}

const steps = fc.array(
  fc.record<Step>({
    do: fc.constantFrom('top_up', 'adjust', 'freeze', 'freeze', 'settle', 'settle', 'release', 'correct', 'correct'),
    tier: fc.constantFrom(...TIERS),
    amount: fc.integer({ min: 1, max: 400 }),
    after: fc.constantFrom(0, 1, 3, 30, 600, 2_000, 20_000),
    waited: fc.constantFrom(0, 0, 1, 4),
    which: fc.nat(),
  }),
  { minLength: 8, maxLength: 24 },
);

/** A history of one account whose ledger rows are moved to where the months meet. */
class History {
  private readonly requests: { id: string; tier: Tier; state: 'held' | 'settled' }[] = [];
  private readonly seen = new Map<Tier, string>();
  timeMs = EDGE_MS - 12 * 24 * 60 * MINUTE_MS;

  constructor(
    private readonly world: MoneyWorld,
    readonly accountId: string,
    private readonly keys: readonly string[],
  ) {}

  async play(step: Step): Promise<void> {
    this.timeMs += step.after * MINUTE_MS;
    await this.act(step);
    await this.date(new Date(this.timeMs - step.waited * MINUTE_MS));
  }

  async freeze(tier: Tier, amount: bigint, which: number): Promise<string> {
    const modelKey = ['acme/small', 'acme/large', '<script>alert(1)</script>'][which % 3];
    const request = this.world.freezeRequest(this.accountId, amount, {
      tier,
      apiKeyId: this.keys[which % this.keys.length] ?? '',
      facts: { modelKey, usdPerCreditMicros: '10000' },
    });
    const { ok } = await this.world.wallets.freeze(request);
    if (ok) this.requests.push({ id: request.id, tier, state: 'held' });
    return request.id;
  }

  async settle(id: string, outputTokens: number, disposition: 'charge' | 'release' = 'charge'): Promise<void> {
    const changes = disposition === 'release' ? { disposition, creditsUsedMicros: '0' } : {};
    await this.world.wallets.capture(this.accountId, id, this.world.outcome(outputTokens, changes));
    await this.world.settlement.settlePending();
  }

  async correct(requestId: string, outputTokens: number): Promise<void> {
    const change = { tokens: { outputTokens }, reason: 'counted again', actor: 'ada', idempotencyKey: newId() };
    // The same figure again is refused, and then nothing has moved.
    await this.world.corrections.correct({ requestId, ...change }).catch(() => undefined);
  }

  /** Gives all rows since the last call a time; the ledger refuses that to everybody but a superuser. */
  async date(time: Date): Promise<void> {
    await this.world.sql.transaction(async (manager) => {
      await manager.query('set local session_replication_role = replica');
      for (const tier of TIERS) {
        const [row] = await manager.query<{ seq: string }[]>(
          `with moved as (update ledger_entry set created_at = $3 where account_id = $1 and tier = $2 and seq > $4 returning seq)
            select coalesce(max(seq), $4)::text as seq from moved`,
          [this.accountId, tier, time, this.seen.get(tier) ?? '0'],
        );
        this.seen.set(tier, row?.seq ?? '0');
      }
    });
  }

  private async act({ do: what, tier, amount, which }: Step): Promise<void> {
    const change = { accountId: this.accountId, tier, note: '=1+1', idempotencyKey: newId() };
    if (what === 'top_up') await this.world.wallets.topUp({ ...change, amountMicros: micros(amount) });
    else if (what === 'freeze') await this.freeze(tier, BigInt(amount), which);
    else if (what === 'adjust') {
      const amountMicros = micros(which % 2 === 0 ? amount : -amount);
      // A wallet that has less refuses.
      await this.world.wallets.adjust({ ...change, amountMicros }).catch(() => undefined);
    } else await this.end(what, amount, which);
  }

  private async end(what: 'settle' | 'release' | 'correct', amount: number, which: number): Promise<void> {
    const wanted = what === 'correct' ? 'settled' : 'held';
    const open = this.requests.filter(({ state }) => state === wanted);
    const request = open[which % Math.max(1, open.length)];
    if (request === undefined) return;
    if (what === 'correct') return this.correct(request.id, amount);
    await this.settle(request.id, amount, what === 'settle' ? 'charge' : 'release');
    if (what === 'settle') request.state = 'settled';
    else this.requests.splice(this.requests.indexOf(request), 1);
  }
}

/** A statement says what the ledger rows add up to. */
describe('monthly statements', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    expect(await world.audit()).toEqual([]);
    await world.stop();
  });

  const read = (accountId: string, month: string, timeZone = 'UTC', createdAt = LONG_AGO): Promise<Statement> =>
    world.app.get(StatementService, { strict: false }).read({ account: { id: accountId, createdAt }, month, timeZone });

  async function history(credits = 0n): Promise<History> {
    const accountId = await world.account(0n);
    const past = new History(world, accountId, [newId(), newId(), newId()]);
    for (const tier of TIERS) {
      if (credits === 0n) break;
      const idempotencyKey = newId();
      await world.wallets.topUp({ accountId, tier, amountMicros: micros(credits), note: 'first', idempotencyKey });
    }
    await past.date(new Date(past.timeMs));
    return past;
  }

  async function agree(accountId: string, month: string, timeZone = 'UTC'): Promise<Statement> {
    const statement = await read(accountId, month, timeZone);
    expect(figuresOfStatement(statement)).toEqual(await figuresOfRows(world.sql, accountId, statement));
    return statement;
  }

  it('equal the rows for random histories, in every month and zone, and each opens where the one before closed', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (some) => {
        const past = await history(300n);
        for (const step of some) await past.play(step);
        for (const timeZone of ['UTC', 'America/St_Johns', 'Pacific/Kiritimati']) {
          let closing: unknown = null;
          for (const month of ['2025-01', '2025-02', '2025-03']) {
            const { wallets } = await agree(past.accountId, month, timeZone);
            const opening = wallets.map((wallet) => wallet.opening);
            if (closing !== null) expect(opening).toEqual(closing);
            closing = wallets.map((wallet) => wallet.closing);
          }
        }
      }),
      { numRuns: 15 },
    );
  }, 120_000);

  it('charge a request in the month in which it was settled, and show it frozen until then', async () => {
    const past = await history(1_000n);
    const id = await past.freeze('standard', 300n, 0);
    await past.date(new Date(EDGE_MS - 1));
    await past.settle(id, 60);
    await past.date(new Date(EDGE_MS));
    const [before, after] = [await agree(past.accountId, '2025-01'), await agree(past.accountId, '2025-02')];
    expect(before.wallets[1]).toMatchObject({
      closing: { availableMicros: 700n, frozenMicros: 300n },
      charges: { total: { requests: 0 }, byModel: [] },
    });
    expect(after.wallets[1]).toMatchObject({
      opening: { availableMicros: 700n, frozenMicros: 300n },
      closing: { availableMicros: 880n, frozenMicros: 0n },
      charges: { total: { requests: 1, outputTokens: 60n, chargedMicros: 120n } },
    });
  });

  it('have a correction in its own month, and leave the month of the charge as it was', async () => {
    const past = await history(1_000n);
    const id = await past.freeze('standard', 300n, 0);
    await past.settle(id, 60);
    await past.date(new Date(EDGE_MS - MINUTE_MS));
    const before = await agree(past.accountId, '2025-01');
    await past.correct(id, 20);
    await past.date(new Date(EDGE_MS + MINUTE_MS));
    await past.correct(id, 90);
    await past.date(new Date(EDGE_MS + 2 * MINUTE_MS));
    expect(await agree(past.accountId, '2025-01')).toEqual(before);
    const { wallets } = await agree(past.accountId, '2025-02');
    expect(wallets[1]).toMatchObject({
      charges: { total: { requests: 0 } },
      corrections: { total: { requests: 2, outputTokens: 30n, chargedMicros: 220n, reversedMicros: 160n } },
      closing: { availableMicros: 820n },
    });
  });

  it('name every key of an organization, by its name while it has one', async () => {
    const past = await history(1_000n);
    const keyId = newId();
    await world.sql.query(
      `insert into api_key (id, name, display, owner_account_id, billing_account_id) values ($1, 'build server', 'jt_', $2, $2)`,
      [keyId, past.accountId],
    );
    const named = new History(world, past.accountId, [keyId]);
    await named.settle(await named.freeze('premium', 300n, 0), 10);
    for (const which of [0, 1, 2]) await past.settle(await past.freeze('premium', 200n, which), which + 1);
    await past.date(new Date(EDGE_MS));
    const { wallets } = await agree(past.accountId, '2025-02');
    const lines = wallets[2]?.charges.byKey ?? [];
    expect(lines).toHaveLength(4);
    expect(lines[0]).toMatchObject({ id: keyId, name: 'build server', members: 1, chargedMicros: 20n });
    expect(lines[1]).toMatchObject({ name: null, chargedMicros: 6n });
  });

  it('are all zeros where nothing moved, also of an account without wallets', async () => {
    for (const accountId of [await world.account(0n), newId()]) {
      const { wallets, isProvisional } = await agree(accountId, '2025-02');
      expect(isProvisional).toBe(false);
      expect(wallets.map(({ tier, closing }) => [tier, closing.availableMicros, closing.frozenMicros])).toEqual(
        TIERS.map((tier) => [tier, 0n, 0n]),
      );
    }
  });

  it('of the current month are provisional and say up to when; a month to come has none, nor one before the account', async () => {
    const accountId = await world.account(500n);
    await world.wallets.freeze(world.freezeRequest(accountId, 200n));
    const month = new Date().toISOString().slice(0, 7);
    const statement = await agree(accountId, month);
    expect(statement.isProvisional).toBe(true);
    expect(statement.upTo.getTime()).toBeLessThan(statement.to.getTime());
    expect(statement.wallets[1]).toMatchObject({ closing: { availableMicros: 300n, frozenMicros: 200n } });
    await expect(read(accountId, '2999-01')).rejects.toMatchObject({ code: 'statement_not_found' });
    const createdAt = new Date('2025-03-01T00:00:00Z');
    await expect(read(accountId, '2025-02', 'UTC', createdAt)).rejects.toMatchObject({ code: 'statement_not_found' });
    expect((await read(accountId, '2025-02', 'America/New_York', createdAt)).month).toBe('2025-02');
  });

  it('list at most five hundred movements and keys, and sum up the rest in one line', async () => {
    const past = await history(0n);
    const keys = Array.from({ length: 503 }, () => newId());
    for (let at = 0; at < 503; at += 1) {
      const idempotencyKey = newId();
      const { accountId } = past;
      await world.wallets.topUp({ accountId, tier: 'economy', amountMicros: micros(10), note: 'n', idempotencyKey });
    }
    const many = new History(world, past.accountId, keys);
    const ids = [];
    for (let at = 0; at < 503; at += 1) ids.push(await many.freeze('economy', 2n, at));
    await Promise.all(ids.map((id) => world.wallets.capture(past.accountId, id, world.outcome(1))));
    await world.settlement.settlePending();
    await past.date(new Date(EDGE_MS));
    const { wallets } = await read(past.accountId, '2025-02');
    const [economy] = wallets;
    expect(economy?.topUps).toMatchObject({ count: 503, amountMicros: 5_030n });
    expect(economy?.topUps.lines).toHaveLength(500);
    expect(economy?.charges.byKey).toHaveLength(501);
    expect(economy?.charges.byKey.at(-1)).toMatchObject({ id: null, members: 3, requests: 3, chargedMicros: 6n });
    expect(economy?.closing.availableMicros).toBe(5_030n - 1_006n);
  });

  it('are not made of a ledger that does not add up', async () => {
    const past = await history(1_000n);
    const [before, after] = ['available_delta = available_delta + 1', 'available_delta = available_delta - 1'];
    const edit = (change: string): Promise<void> =>
      world.sql.transaction(async (manager) => {
        await manager.query('set local session_replication_role = replica');
        await manager.query(`update ledger_entry set ${change} where account_id = $1 and tier = 'standard'`, [
          past.accountId,
        ]);
      });
    await edit(before);
    await expect(read(past.accountId, '2025-01')).rejects.toMatchObject({ code: 'statement_differs' });
    await edit(after);
    await agree(past.accountId, '2025-01');
  });
});
