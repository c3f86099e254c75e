import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { AuthProcess, refusalOf } from './auth.process.js';

describe('accounts on Postgres', () => {
  let database: TestDatabase;
  let auth: AuthProcess;

  beforeAll(async () => {
    database = await createTestDatabase();
    auth = await AuthProcess.start(database.url);
  });

  afterAll(async () => {
    await auth.stop();
    await database.drop();
  });

  const personal = async (name: string): Promise<string> => (await auth.accounts.create({ kind: 'personal', name })).id;
  const organization = async (name: string): Promise<string> =>
    (await auth.accounts.create({ kind: 'organization', name })).id;

  it('makes an account with three empty wallets', async () => {
    const account = await auth.accounts.create({ kind: 'organization', name: ' Acme ' });
    expect(account).toMatchObject({ kind: 'organization', name: 'Acme', status: 'active' });
    await expect(auth.accounts.read(account.id)).resolves.toEqual(account);
    await expect(auth.wallets.balances(account.id)).resolves.toEqual(
      ['economy', 'standard', 'premium'].map((tier) => ({ tier, availableMicros: 0n, frozenMicros: 0n })),
    );
  });

  it('renames and suspends', async () => {
    const id = await personal('before');
    await expect(auth.accounts.patch(id, { name: 'after', status: 'suspended' })).resolves.toMatchObject({
      name: 'after',
      status: 'suspended',
    });
    await expect(auth.accounts.read(id)).resolves.toMatchObject({ name: 'after', status: 'suspended' });
  });

  it('closes an account only when it holds no credits', async () => {
    const id = await personal('rich');
    const credit = { accountId: id, tier: 'standard' as const, note: 'test' };
    await auth.wallets.topUp({ ...credit, amountMicros: micros(1n), idempotencyKey: 'in' });
    expect(await refusalOf(auth.accounts.patch(id, { status: 'closed' }))).toMatchObject({
      kind: 'conflict',
      code: 'account_not_empty',
    });
    await auth.wallets.adjust({ ...credit, amountMicros: micros(-1n), idempotencyKey: 'out' });
    await expect(auth.accounts.patch(id, { status: 'closed' })).resolves.toMatchObject({ status: 'closed' });
    expect(await refusalOf(auth.keys.create({ name: 'late', ownerAccountId: id }))).toMatchObject({
      param: 'owner_account_id',
    });
  });

  it.each(['not-an-id', newId()])('answers an unknown account with not_found: %s', async (id) => {
    await expect(auth.accounts.find(id)).resolves.toBeNull();
    for (const call of [
      () => auth.accounts.read(id),
      () => auth.accounts.patch(id, { name: 'x' }),
      () => auth.accounts.members(id, { limit: 1, cursor: null }),
      () => auth.accounts.addMember(id, id),
      () => auth.accounts.removeMember(id, id),
    ]) {
      expect(await refusalOf(call)).toMatchObject({ kind: 'not_found', code: 'account_not_found' });
    }
  });

  it('adds a member once, lists members page by page, and removes them', async () => {
    const company = await organization('Company');
    const people = [await personal('a'), await personal('b'), await personal('c')];
    for (const person of [...people, ...people]) await auth.accounts.addMember(company, person);
    const first = await auth.accounts.members(company, { limit: 2, cursor: null });
    const second = await auth.accounts.members(company, { limit: 2, cursor: first.nextCursor });
    const listed = [...first.items, ...second.items].map(({ memberId }) => memberId);
    expect(listed).toEqual(people.toReversed());
    expect(second.nextCursor).toBeNull();
    await auth.accounts.removeMember(company, people[0] ?? '');
    expect(await refusalOf(auth.accounts.removeMember(company, people[0] ?? ''))).toMatchObject({
      kind: 'not_found',
      code: 'member_not_found',
    });
  });

  it('takes only persons into organizations, and only organizations have members', async () => {
    const [company, other, person] = [await organization('x'), await organization('y'), await personal('z')];
    expect(await refusalOf(auth.accounts.addMember(company, other))).toMatchObject({ kind: 'unprocessable' });
    expect(await refusalOf(auth.accounts.addMember(company, newId()))).toMatchObject({ code: 'unknown_reference' });
    expect(await refusalOf(auth.accounts.addMember(person, person))).toMatchObject({ kind: 'unprocessable' });
  });

  it('lists accounts newest first, by kind and status', async () => {
    const made = [await organization('1'), await organization('2')];
    await auth.accounts.patch(made[0] ?? '', { status: 'suspended' });
    const page = await auth.accounts.list({ kind: 'organization', status: 'active' }, { limit: 1, cursor: null });
    expect(page.items.map(({ id }) => id)).toEqual([made[1]]);
    expect(page.nextCursor).toBe(made[1]);
    const suspended = await auth.accounts.list({ status: 'suspended' }, { limit: 50, cursor: null });
    expect(suspended.items.map(({ id }) => id)).toContain(made[0]);
  });
});
