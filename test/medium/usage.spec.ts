import { newId } from '../../src/platform/ids/index.js';
import { MoneyWorld } from '../support/money-world.js';

describe('usage records on Postgres', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(async () => {
    await world.stop();
  });

  it('lists records newest first, with filters and pages', async () => {
    const accountId = await world.account(1_000n);
    const ids: string[] = [];
    for (let at = 0; at < 5; at++) {
      const request = world.freezeRequest(accountId, 10n, {
        clientRequestId: at < 2 ? 'pair' : 'other',
        apiKeyId: newId(),
      });
      await world.wallets.freeze(request);
      ids.unshift(request.id);
      if (at < 3) await world.wallets.capture(accountId, request.id, world.outcome(1));
      if (at === 1) await world.settlement.settlePending();
    }
    // Two of one millisecond are in no order of their own.
    ids.sort().reverse();
    const list = (filter: object, limit = 10, cursor: string | null = null) =>
      world.usage.list({ accountId, ...filter }, { limit, cursor });
    expect((await list({})).items.map(({ requestId }) => requestId)).toEqual(ids);
    const first = await list({}, 2);
    const second = await list({}, 2, first.nextCursor);
    const third = await list({}, 2, second.nextCursor);
    expect([first, second, third].flatMap(({ items }) => items.map(({ requestId }) => requestId))).toEqual(ids);
    expect(third.nextCursor).toBeNull();
    expect((await list({ status: 'pending' })).items).toHaveLength(3);
    expect((await list({ status: 'settled' })).items).toHaveLength(2);
    expect((await list({ requestId: 'pair' })).items).toHaveLength(2);
    expect((await list({ requestId: ids[0] })).items).toHaveLength(1);
    expect((await list({ model: 'test/model', provider: 'acme' })).items).toHaveLength(3);
    expect((await list({ from: new Date(Date.now() + 60_000) })).items).toHaveLength(0);
    expect((await list({ to: new Date(Date.now() + 60_000) })).items).toHaveLength(5);
  });
});
