import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { WalletService } from '../../src/wallet/index.js';
import { AdminApp } from './admin.app.js';

interface FreezeRow {
  id: string;
  state: string;
  amount: string;
  ended_at: string | null;
}

describe('freezes of administration', () => {
  let app: AdminApp;
  let accountId: string;

  beforeAll(async () => {
    app = await AdminApp.start({ WORKERS_ENABLED: 'false' });
    accountId = (await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' })).id;
    await app.admin.topUp(accountId, 'standard', '10');
  });
  afterAll(async () => app.stop());

  async function frozen(): Promise<string> {
    const id = newRequestId();
    const result = await app.get(WalletService).freeze({
      id,
      clientRequestId: 'mine',
      accountId,
      tier: 'standard',
      apiKeyId: newId(),
      amountMicros: micros(4_000_000n),
      limits: { dailyMicros: null, weeklyMicros: null, requestsPerMinute: null, concurrency: null },
      modelId: newId(),
      priceId: newId(),
      stream: false,
      facts: { modelKey: 'acme/small' },
    });
    expect(result.ok).toBe(true);
    return id;
  }

  it('are given back whole, once, and recorded as released', async () => {
    const id = await frozen();
    expect(await app.admin.wallet(accountId, 'standard')).toMatchObject({ available: '6.000000', frozen: '4.000000' });
    const released = await app.admin.post<FreezeRow>(`/freezes/${id}/release`, undefined);
    expect(released).toMatchObject({ id, state: 'released', amount: '4.000000' });
    expect(released.ended_at).not.toBeNull();
    expect(await app.admin.wallet(accountId, 'standard')).toMatchObject({ available: '10.000000', frozen: '0.000000' });
    expect(await app.admin.usage(id)).toMatchObject({ status: 'released', credits_charged: '0.000000' });
    const again = await app.call('POST', `/freezes/${id}/release`);
    expect([again.status, again.body.code]).toEqual([409, 'freeze_ended']);
    const { data } = await app.admin.get<{ data: object[] }>(`/audit-log?resource=freeze&resource_id=${id}`);
    expect(data).toMatchObject([{ action: 'freeze.release', before: { state: 'held' }, after: { state: 'released' } }]);
  });

  it('are released by exactly one of many operators at once', async () => {
    const id = await frozen();
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.call('POST', `/freezes/${id}/release`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(409)]);
    expect(await app.admin.wallet(accountId, 'standard')).toMatchObject({ available: '10.000000' });
  });

  it('stay when their outcome is captured: it will be charged', async () => {
    const id = await frozen();
    await app.get(WalletService).capture(accountId, id, { any: 'outcome' });
    const { status, body } = await app.call('POST', `/freezes/${id}/release`);
    expect([status, body.code]).toEqual([409, 'freeze_captured']);
    expect(await app.admin.wallet(accountId, 'standard')).toMatchObject({ frozen: '4.000000' });
  });

  it.each([newRequestId(), 'gwr_1', newId(), "gwr_' or 1=1"])('do not exist as %s', async (id) => {
    expect((await app.call('POST', `/freezes/${encodeURIComponent(id)}/release`)).status).toBe(404);
  });
});
