import { Client } from 'pg';
import { fillBooks } from '../bench/ledger-books.js';
import { MoneyWorld } from '../support/money-world.js';

describe('the books that the load of a verification is measured on', () => {
  let world: MoneyWorld;
  beforeAll(async () => {
    world = await MoneyWorld.start();
  });
  afterAll(() => world.stop());

  it('are consistent, and every part of them is there', async () => {
    const sql = new Client({ connectionString: world.database.url });
    await sql.connect();
    try {
      await fillBooks(sql, { rows: 5_000, modelId: world.modelId, priceId: world.priceId }, () => undefined);
    } finally {
      await sql.end();
    }
    expect(await world.audit()).toEqual([]);
    const report = await world.verifier.verify();
    expect(report).toMatchObject({ wallets: 3, freezes: 2452, openFreezes: 3, usageRecords: 2449 });
    expect(Math.abs(report.rows - 5_000)).toBeLessThan(100);
    // Written without their indexes, which must be whole again.
    const twice = 'insert into ledger_entry select * from ledger_entry limit 1';
    await expect(world.sql.query(twice)).rejects.toThrow('ledger_entry_pkey');
  });
});
