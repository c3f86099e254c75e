import { Client } from 'pg';
import { createTestDatabase } from './database.js';

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

describe('createTestDatabase', () => {
  it('gives each caller a migrated database of its own, also when many ask at once', async () => {
    const databases = await Promise.all([createTestDatabase(), createTestDatabase(), createTestDatabase()]);
    expect(new Set(databases.map(({ url }) => url)).size).toBe(3);
    for (const { url } of databases) {
      await query(url, `insert into policy (id, name) values (gen_random_uuid(), 'only here')`);
      expect(await query(url, 'select count(*)::int as policies from policy')).toEqual([{ policies: 1 }]);
    }
    await Promise.all(databases.map(({ drop }) => drop()));
    await expect(query(databases[0].url, 'select 1')).rejects.toThrow(/does not exist/);
  });
});
