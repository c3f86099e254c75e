import { appendFile, readFile, rm, truncate } from 'node:fs/promises';
import { pollUntil } from '../support/poll.js';
import { SealWorld, WebhookReceiver } from '../support/seal-world.js';

describe('sealing by several workers, and in spite of crashes', () => {
  let world: SealWorld;
  beforeAll(async () => {
    world = await SealWorld.open();
  });
  afterAll(() => world.close());

  it('gives one chain without a gap when two workers seal at once', async () => {
    const second = await world.another();
    const accounts = await Promise.all([1, 2, 3].map(() => world.money.account(10_000n)));
    for (let round = 0; round < 3; round++) {
      await Promise.all(accounts.map((accountId) => world.history(accountId)));
      await Promise.all([world.money.seals.sealPending(), second.seals.sealPending()]);
    }
    await second.stop();
    await world.money.seals.sealPending();
    expect(await world.money.seals.verify()).toMatchObject({ ok: true, sealedRows: 3n * 27n, unsealedRows: 0n });
    const numbers = (await world.published()).map(({ number }) => number);
    expect(numbers).toEqual(numbers.map((_, at) => at + 1));
  });

  it('takes a long wallet in several transactions of one run', async () => {
    const { money } = world;
    const accountId = await money.account(10_000n);
    const { sealedUpTo: before } = await money.seals.verify();
    await Promise.all(Array.from({ length: 600 }, () => money.wallets.freeze(money.freezeRequest(accountId, 1n))));
    expect(await money.seals.sealPending()).toBe(603);
    const report = await money.seals.verify();
    expect(report).toMatchObject({ ok: true, unsealedRows: 0n });
    expect(report.sealedUpTo?.checkpoint).toBeGreaterThan((before?.checkpoint ?? 0n) + 1n);
  });

  it('publishes after a crash what was sealed before it, and mends a line that the crash has cut', async () => {
    await world.sealedHistory();
    const whole = await readFile(world.file, 'utf8');
    // The process died while it wrote the last line.
    await truncate(world.file, whole.length - 40);
    await world.money.seals.sealPending();
    expect(await readFile(world.file, 'utf8')).toBe(whole);
    // It died after the commit, before it wrote anything.
    await rm(world.file);
    await world.money.seals.sealPending();
    expect(await readFile(world.file, 'utf8')).toBe(whole);
    expect(await world.money.seals.verify()).toMatchObject({ ok: true });
  });

  it('leaves nothing half done when the database refuses in the middle', async () => {
    const { money } = world;
    await money.account(1_000n);
    const { sealedUpTo } = await money.seals.verify();
    await money.sql.query('alter table ledger_chain add constraint planted check (seq < 1) not valid');
    await expect(money.seals.sealPending()).rejects.toThrow('planted');
    await money.sql.query('alter table ledger_chain drop constraint planted');
    expect(await money.seals.verify()).toMatchObject({ ok: true, sealedUpTo, unsealedRows: 3n });
    await money.seals.sealPending();
    expect(await money.seals.verify()).toMatchObject({ ok: true, unsealedRows: 0n });
  });

  it('goes on from the seals themselves when the note of how far they go is wrong', async () => {
    const accountId = await world.sealedHistory();
    await world.asIntruder('delete from ledger_chain');
    await world.history(accountId);
    await world.money.seals.sealPending();
    await world.asIntruder('update ledger_chain set seq = 3 where seq > 3');
    await world.history(accountId);
    expect(await world.money.seals.sealPending()).toBe(8);
    expect(await world.money.seals.verify()).toMatchObject({ ok: true, unsealedRows: 0n, oldestUnsealedAt: null });
  });

  it('gives a webhook every checkpoint in order, also those that it had refused or that could not be reached at first', async () => {
    const receiver = await WebhookReceiver.start();
    const toReceiver = { LEDGER_CHECKPOINT_WEBHOOK_URL: receiver.url };
    const second = await world.another({ ...toReceiver, ALLOW_PRIVATE_UPSTREAMS: 'true' });
    receiver.status = 500;
    await second.seals.sealPending();
    expect(receiver.numbers).toEqual([]);
    receiver.status = 200;
    const held = await world.another(toReceiver);
    await held.seals.sealPending();
    await held.stop();
    expect(receiver.numbers).toEqual([]);
    await world.money.account(1_000n);
    await second.seals.sealPending();
    await second.seals.sealPending();
    const last = (await world.money.seals.verify()).sealedUpTo?.checkpoint ?? 0n;
    expect(receiver.numbers).toEqual(Array.from({ length: Number(last) }, (_, at) => at + 1));
    await second.stop();
    receiver.stop();
  });

  it('happens by itself where workers run', async () => {
    const accountId = await world.money.account(1_000n);
    const worker = await world.worker();
    const isSealed = async (): Promise<true | null> => {
      const rows = await world.money.sql.query<object[]>('select from ledger_chain where account_id = $1', [accountId]);
      return rows.length === 3 ? true : null;
    };
    await pollUntil(isSealed, 'the ledger to be sealed');
    await worker.stop();
  });

  it('does not write behind a last line that is not a checkpoint', async () => {
    await world.money.seals.sealPending();
    await appendFile(world.file, 'a note of mine\n');
    const before = await readFile(world.file, 'utf8');
    await world.money.account(1_000n);
    await world.money.seals.sealPending();
    expect(await readFile(world.file, 'utf8')).toBe(before);
  });
});
