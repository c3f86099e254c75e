import { createHash, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { micros } from '../../src/platform/money/index.js';
import { SealWorld } from '../support/seal-world.js';

let world: SealWorld;
const open = async (): Promise<void> => {
  world = await SealWorld.open();
};
const close = (): Promise<void> => world.close();

const ROW = `account_id = $1 and tier = 'standard' and seq = $2`;
const INSERT = `insert into ledger_entry (account_id, tier, seq, kind, available_delta, frozen_delta, available_after,
  frozen_after, idempotency_key) values ($1, 'standard', $2, 'top_up', 0, 0, 9, 0, gen_random_uuid()::text)`;

describe('a sealed ledger', () => {
  beforeAll(open);
  afterAll(close);

  it('verifies, says how far it is sealed, and what is not yet', async () => {
    const accountId = await world.sealedHistory();
    await world.history(accountId);
    const report = await world.money.seals.verify();
    expect(report).toMatchObject({ ok: true, sealedRows: 19n, unsealedRows: 8n, wallets: 3n, firstBroken: null });
    expect(report.publishedCheckpoints).toBe(2);
    expect(report.sealedUpTo?.checkpoint).toBe(2n);
    expect(report.oldestUnsealedAt?.getTime()).toBeGreaterThan(report.sealedUpTo?.sealedAt.getTime() ?? 0);
    await world.money.seals.sealPending();
    expect(await world.money.seals.verify()).toMatchObject({ ok: true, sealedRows: 27n, unsealedRows: 0n });
  });

  it('seals nothing twice: a run without new rows adds no checkpoint', async () => {
    const before = await world.published();
    expect(await world.money.seals.sealPending()).toBe(0);
    expect(await world.published()).toEqual(before);
  });

  it.each(['ledger_seal', 'ledger_checkpoint'])('cannot be changed in %s by a statement', async (table) => {
    for (const change of [
      `update ${table} set previous_hash = previous_hash`,
      `delete from ${table}`,
      `truncate ${table} cascade`,
    ]) {
      await expect(world.money.sql.query(change)).rejects.toThrow('immutable');
    }
  });

  it('is hashed as the documents say, so that any other program can do it again', async () => {
    const accountId = await world.money.account(0n);
    const topUp = { accountId, tier: 'standard', amountMicros: micros(7n), idempotencyKey: 'k' } as const;
    await world.money.wallets.topUp({ ...topUp, note: 'Ünïcode, and 3:x,' });
    const { id } = world.money.freezeRequest(accountId, 5n);
    await world.money.wallets.freeze(world.money.freezeRequest(accountId, 5n, { id }));
    await world.money.seals.sealPending();
    const rows = await world.money.sql.query<{ us: string; hashes: Buffer }[]>(
      `select (extract(epoch from created_at) * 1000000)::bigint as us, s.row_hashes as hashes
        from ledger_entry e join ledger_seal s using (account_id, tier) where e.account_id = $1 order by e.seq`,
      [accountId],
    );
    const sha = (...parts: (Buffer | string)[]): Buffer =>
      parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
    const [first, second] = rows.map(({ us }) => `${us.length.toString()}:${us},`);
    const wallet = `36:${accountId},8:standard,`;
    const genesis = sha(`24:joytoken-ledger-chain-v1,${wallet}`);
    const one = sha(genesis, `${wallet}1:1,6:top_up,-,1:7,1:0,1:7,1:0,7:admin:k,19:Ünïcode, and 3:x,,${first ?? ''}`);
    const two = sha(one, `${wallet}1:2,6:freeze,36:${id},2:-5,1:5,1:2,1:5,43:freeze:${id},-,${second ?? ''}`);
    expect(rows[0]?.hashes.toString('hex')).toBe(Buffer.concat([one, two]).toString('hex'));
  });

  it('names the first row in which somebody has edited anything', async () => {
    const accountId = await world.sealedHistory();
    const changes = [
      'available_after = available_after + 1',
      `created_at = created_at + interval '1 microsecond'`,
      `note = ''`,
      `idempotency_key = idempotency_key || ' '`,
      'freeze_id = null',
    ];
    for (const [at, change] of changes.entries()) {
      const seq = 12 - at;
      await world.asIntruder(`update ledger_entry set ${change} where ${ROW}`, [accountId, seq]);
      expect(await world.breakOf(accountId)).toEqual(['edited_row', 'standard', BigInt(seq)]);
    }
  });

  it('names a deleted row, sealed or not', async () => {
    const accountId = await world.sealedHistory();
    await world.history(accountId);
    for (const seq of [25, 20, 12]) {
      await world.asIntruder(`delete from ledger_entry where ${ROW}`, [accountId, seq]);
      expect(await world.breakOf(accountId)).toEqual(['missing_row', 'standard', BigInt(seq)]);
    }
  });

  it('does not seal past a missing row, and goes on with other wallets', async () => {
    const [accountId, other] = [await world.money.account(1_000n), await world.money.account(1_000n)];
    await world.history(accountId);
    await world.asIntruder(`delete from ledger_entry where ${ROW}`, [accountId, 3]);
    await world.money.seals.sealPending();
    await world.history(other);
    await world.money.seals.sealPending();
    const sealed = await world.money.sql.query<{ seq: string }[]>(
      `select seq from ledger_chain where tier = 'standard' and account_id = any($1) order by seq`,
      [[accountId, other]],
    );
    expect(sealed.map(({ seq }) => seq)).toEqual(['2', '9']);
    expect(await world.breakOf(accountId)).toEqual(['missing_row', 'standard', 3n]);
  });

  it('names where the seals end when the sealer was told that they go on, so that it passes the wallet over', async () => {
    const accountId = await world.sealedHistory();
    await world.asIntruder(`update ledger_chain set seq = 1000000 where account_id = $1 and tier = 'standard'`, [
      accountId,
    ]);
    await world.history(accountId);
    await world.money.seals.sealPending();
    const [row] = await world.money.sql.query<{ sealed: string }[]>(
      `select max(to_seq) + 1 as sealed from ledger_seal where account_id = $1 and tier = 'standard'`,
      [accountId],
    );
    expect(await world.breakOf(accountId)).toEqual(['missing_seal', 'standard', BigInt(row?.sealed ?? 0)]);
  });

  it('names a row that was put in between, although the rows behind it were numbered anew', async () => {
    const accountId = await world.sealedHistory();
    const rows = `account_id = $1 and tier = 'standard'`;
    await world.asIntruder(`update ledger_entry set seq = -seq - 1 where ${rows} and seq >= 4`, [accountId]);
    await world.asIntruder(`update ledger_entry set seq = -seq where ${rows} and seq < 0`, [accountId]);
    await world.asIntruder(INSERT, [accountId, 4]);
    await world.asIntruder(`update wallet set seq = seq + 1 where ${rows}`, [accountId]);
    expect(await world.breakOf(accountId)).toEqual(['edited_row', 'standard', 4n]);
  });

  it('names rows that the wallet does not count', async () => {
    const accountId = await world.sealedHistory();
    await world.asIntruder(INSERT, [accountId, 18]);
    expect(await world.breakOf(accountId)).toEqual(['unexpected_row', 'standard', 18n]);
    await world.asIntruder(INSERT, [accountId, 0]);
    expect(await world.breakOf(accountId)).toEqual(['unexpected_row', 'standard', 0n]);
  });
});

describe('a chain that somebody recomputes', () => {
  beforeEach(open);
  afterEach(close);

  const edit = `update ledger_entry set note = 'edited' where ${ROW}`;

  async function wipeSeals(): Promise<void> {
    for (const table of ['ledger_checkpoint', 'ledger_seal', 'ledger_chain'])
      await world.asIntruder(`delete from ${table}`);
  }

  async function sealWithoutTheKey(): Promise<void> {
    const forger = await world.forger();
    await forger.seals.sealPending();
    await forger.stop();
  }

  it('is not what the checkpoints have signed: the wallet and its first unproven row are named', async () => {
    const accountId = await world.sealedHistory();
    await world.asIntruder(edit, [accountId, 12]);
    await world.asIntruder(`delete from ledger_seal where account_id = $1 and tier = 'standard' and from_seq = 10`, [
      accountId,
    ]);
    await world.asIntruder(
      `update ledger_chain set seq = 9, hash = (select substring(row_hashes from octet_length(row_hashes) - 31)
        from ledger_seal s where s.account_id = $1 and s.tier = 'standard') where account_id = $1 and tier = 'standard'`,
      [accountId],
    );
    await sealWithoutTheKey();
    expect(await world.breakOf(accountId)).toEqual(['missing_seal', 'standard', 10n]);
  });

  it('does not help without the key: its checkpoints are forged, and the file disagrees', async () => {
    const accountId = await world.sealedHistory();
    await wipeSeals();
    await world.asIntruder(edit, [accountId, 5]);
    await sealWithoutTheKey();
    expect(await world.breaks()).toEqual([
      ['forged_checkpoint', 1n],
      ['published_otherwise', 1n],
      ['missing_checkpoint', 2n],
    ]);
  });

  it('does not help even with the key: the file outside of the database disagrees', async () => {
    const accountId = await world.sealedHistory();
    await wipeSeals();
    await world.asIntruder(edit, [accountId, 5]);
    await world.money.seals.sealPending();
    expect(await world.breaks([])).toEqual([]);
    expect(await world.breaks()).toEqual([
      ['published_otherwise', 1n],
      ['missing_checkpoint', 2n],
    ]);
  });

  it('is noticed when rows, seals and checkpoints were all cut off at the same place', async () => {
    const accountId = await world.sealedHistory();
    await world.asIntruder(`delete from ledger_entry where account_id = $1 and tier = 'standard' and seq > 9`, [
      accountId,
    ]);
    await world.asIntruder(`update wallet set seq = 9 where account_id = $1 and tier = 'standard'`, [accountId]);
    await world.asIntruder('delete from ledger_seal where checkpoint = 2');
    await world.asIntruder('delete from ledger_checkpoint where number = 2');
    await world.asIntruder('delete from ledger_chain');
    expect(await world.breaks([])).toEqual([]);
    expect(await world.breaks()).toEqual([['missing_checkpoint', 2n]]);
  });

  it('cannot be covered by editing the file, whose lines are signed too', async () => {
    await world.sealedHistory();
    const [first = {}, second = {}] = await world.published();
    const forged = [{ ...first, heads_sha256: randomBytes(32).toString('hex') }, { ...second, number: 3 }, 'nonsense'];
    await writeFile(world.file, forged.map((line) => `${JSON.stringify(line)}\n`).join(''));
    expect((await world.breaks()).map(([fault]) => fault)).toEqual(Array(3).fill('bad_published_line'));
  });
});
