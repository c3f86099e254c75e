import { appendFile, readFile, writeFile } from 'node:fs/promises';
import type { ReportView } from '../../src/reconciliation/index.js';
import { runCommand } from '../support/command.js';
import { ENCRYPTION_SECRETS, SealWorld } from '../support/seal-world.js';

interface Verdict {
  code: number;
  report: ReportView;
}

/** `npm run ledger:verify` on a ledger whose rows were sealed, after its build. */
describe('the verification of the ledger and its seals', () => {
  let world: SealWorld;
  let accountId: string;
  beforeAll(async () => {
    world = await SealWorld.open();
    accountId = await world.sealedHistory();
    await world.money.account(1_000n);
    await world.money.seals.sealPending();
    await world.history(accountId);
  });
  afterAll(() => world.close());

  async function command(args: readonly string[], env: Record<string, string> = {}): Promise<Verdict> {
    const settings = { DATABASE_URL: world.money.database.url, ENCRYPTION_SECRETS, LEDGER_CHECKPOINT_FILE: world.file };
    const { code, stdout, stderr } = await runCommand('verify-ledger', ['--json', ...args], { ...settings, ...env });
    expect(stderr).toBe('');
    return { code, report: JSON.parse(stdout) as ReportView };
  }

  it('says how far the rows are sealed, and what was compared', async () => {
    const { code, report } = await command([]);
    expect([code, report.ok]).toEqual([0, true]);
    expect(report.seals).toEqual({
      sealed_rows: 22,
      unsealed_rows: 8,
      oldest_unsealed_at: expect.any(String) as string,
      sealed_up_to: { checkpoint: 3, sealed_at: expect.any(String) as string },
      checkpoints: 3,
      published_checkpoints: 3,
      signatures_checked: true,
    });
  });

  it('says what it left out: signatures without a secret, checkpoints for one account, seals when told to', async () => {
    const [unsigned, one, none] = await Promise.all([
      command([], { ENCRYPTION_SECRETS: '' }),
      command(['--account', accountId]),
      command(['--no-seals']),
    ]);
    expect([unsigned.code, unsigned.report.seals?.signatures_checked]).toEqual([0, false]);
    expect([one.code, one.report.seals?.sealed_rows, one.report.seals?.checkpoints]).toEqual([0, 19, null]);
    expect([none.code, none.report.seals]).toEqual([0, null]);
  });

  it('passes over a line of the checkpoint file that is only half written', async () => {
    const whole = await readFile(world.file, 'utf8');
    await appendFile(world.file, whole.slice(0, 100));
    expect(await command([])).toMatchObject({ code: 0, report: { seals: { published_checkpoints: 3 } } });
    await writeFile(world.file, whole);
  });

  it('names a row that was changed without a trace in any sum, and a checkpoint of a file that is not there', async () => {
    await world.asIntruder(
      `update ledger_entry set note = 'edited' where account_id = $1 and tier = 'standard' and seq = 1`,
      [accountId],
    );
    const edited = { kind: 'seal_edited_row', account_id: accountId, tier: 'standard', subject: 'seq 1' };
    const [books, one] = await Promise.all([command(['--no-seals']), command(['--account', accountId])]);
    expect([books.code, one]).toMatchObject([0, { code: 1, report: { differences: [edited] } }]);
    const elsewhere = `${world.file}.copy`;
    const [, , third = ''] = (await readFile(world.file, 'utf8')).split('\n');
    await writeFile(elsewhere, `${third}\n`);
    await world.asIntruder('delete from ledger_seal where checkpoint = 3');
    await world.asIntruder('delete from ledger_checkpoint where number = 3');
    await world.asIntruder('delete from ledger_chain');
    const { code, report } = await command(['--file', elsewhere]);
    expect(code).toBe(1);
    expect(report.difference_counts).toEqual({ seal_edited_row: 1, seal_missing_checkpoint: 1 });
    expect(report.differences).toContainEqual(
      expect.objectContaining({ ...edited, means: expect.any(String) as string }),
    );
  });
});
