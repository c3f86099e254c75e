import { QueueAdmin } from '../../src/platform/queue/index.js';
import { MoneyWorld } from '../support/money-world.js';
import { pollUntil } from '../support/poll.js';

const REDIS_URL = process.env['REDIS_URL'];
const BACKENDS: readonly (readonly [string, string | undefined])[] = [
  ['postgres', undefined],
  ...(REDIS_URL === undefined ? [] : ([['redis', REDIS_URL]] as const)),
];

describe.each(BACKENDS)('a dropped job on %s', (_, redisUrl) => {
  it('drops no outcome', async () => {
    const idle = await MoneyWorld.start({ redisUrl });
    const admin = idle.app.get(QueueAdmin);
    const accountId = await idle.account(1_000n);
    const request = idle.freezeRequest(accountId, 300n);
    await idle.wallets.freeze(request);
    await idle.wallets.capture(accountId, request.id, idle.outcome(60));
    idle.settlementQueue.notify();
    const added = async (): Promise<string | null> => (await admin.jobs('settlement', 'waiting', 0, 10))[0]?.id ?? null;
    const jobId = await pollUntil(added, 'the job to be added');
    await admin.drop('settlement', jobId);
    expect(await admin.state('settlement')).toMatchObject({ waiting: 0, active: 0, delayed: 0, failed: 0 });

    const working = await MoneyWorld.start({ redisUrl, workers: true, database: idle.database });
    const settled = async (): Promise<true | null> =>
      (await idle.usage.find(request.id))?.status === 'settled' ? true : null;
    await pollUntil(settled, 'the outcome to be settled');
    expect(await idle.balance(accountId)).toEqual({ available: 880n, frozen: 0n });
    await working.stop();
    await idle.stop();
  });
});
