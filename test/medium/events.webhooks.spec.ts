import { readFile } from 'node:fs/promises';
import { newId } from '../../src/platform/ids/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { isSigned, Receiver } from '../support/receiver.js';
import { EventsProcess, someEvent } from './events.process.js';

const NEXT_SECRETS = `2:${Buffer.alloc(32, 9).toString('base64')}`;
const FIRST_SECRET = `1:${Buffer.alloc(32, 7).toString('base64')}`;
const URL = 'https://8.8.8.8/hook';

type Verifier = (secret: string, headers: object, body: string, nowS?: number) => boolean;

let database: TestDatabase;
let process: EventsProcess;

beforeAll(async () => {
  database = await createTestDatabase();
  process = await EventsProcess.start(database);
});
afterAll(async () => {
  await process.stop();
  await database.drop();
});
afterEach(async () => {
  await process.sql.query('delete from event');
  await process.sql.query('delete from webhook');
});

describe('the code in docs/webhooks.md', () => {
  it('takes messages as they come, and no others', async () => {
    const [, code = ''] = /```js\n([\s\S]*?)```/.exec(await readFile('docs/webhooks.md', 'utf8')) ?? [];
    const { isGenuine } = (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as { isGenuine: Verifier };
    const receiver = await Receiver.start();
    const { webhook, secret: old } = await process.webhooks.create({ url: receiver.url });
    const { secret } = await process.webhooks.rotateSecret(webhook.id, 60);
    await process.webhooks.test(webhook.id);
    await receiver.stop();
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.received;
    expect([isGenuine(secret, headers, body), isGenuine(old, headers, body)]).toEqual([true, true]);
    const inAnHourS = Date.now() / 1000 + 3_600;
    const id = { ...headers, 'webhook-id': 'another' };
    const unsigned = { ...headers, 'webhook-signature': 'v1,' };
    const fakes = [
      isGenuine('', headers, body),
      isGenuine('whsec_', headers, body),
      isGenuine(`whsec_${Buffer.alloc(32).toString('base64')}`, headers, body),
      isGenuine(secret, id, body),
      isGenuine(secret, unsigned, body),
      isGenuine(secret, {}, body),
      isGenuine(secret, headers, `${body} `),
      isGenuine(secret, headers, body, inAnHourS),
    ];
    expect(fakes).toEqual(fakes.map(() => false));
  });
});

describe('the secret of a webhook', () => {
  it('is in no row in the clear', async () => {
    const { secret } = await process.webhooks.create({ url: URL });
    const rows = await process.sql.query<object[]>(
      'select w::text, s::text from webhook w join webhook_secret s on true',
    );
    expect(JSON.stringify(rows)).not.toContain(secret.slice('whsec_'.length, -4));
  });

  it('signs beside the new one until its grace time is over; three sign at most', async () => {
    const receiver = await Receiver.start();
    const { webhook, secret: first } = await process.webhooks.create({ url: receiver.url });
    const { secret: second } = await process.webhooks.rotateSecret(webhook.id, 3_600);
    const signers = async (secrets: readonly string[]): Promise<boolean[]> => {
      await process.webhooks.test(webhook.id);
      const message = receiver.received.at(-1);
      return secrets.map((secret) => message !== undefined && isSigned(secret, message));
    };
    expect(await signers([first, second])).toEqual([true, true]);
    const { secret: third } = await process.webhooks.rotateSecret(webhook.id, 3_600);
    await expect(process.webhooks.rotateSecret(webhook.id, 60)).rejects.toMatchObject({ code: 'too_many_secrets' });
    expect(await signers([first, second, third])).toEqual([true, true, true]);
    const { secret: fourth } = await process.webhooks.rotateSecret(webhook.id, 0);
    expect(await signers([first, second, third, fourth])).toEqual([false, false, false, true]);
    await receiver.stop();
  });

  it('is sealed anew with the newest encryption secret, and signs on', async () => {
    const receiver = await Receiver.start();
    const { webhook, secret } = await process.webhooks.create({ url: receiver.url });
    const rotated = await EventsProcess.start(database, { ENCRYPTION_SECRETS: `${NEXT_SECRETS},${FIRST_SECRET}` });
    const reports = await rotated.sealed.reseal(true);
    await rotated.stop();
    expect(reports).toMatchObject([{ store: 'webhook secrets', byNumber: { 2: 1 }, resealed: 1, unreadableCount: 0 }]);
    const later = await EventsProcess.start(database, { ENCRYPTION_SECRETS: NEXT_SECRETS });
    expect(await later.webhooks.test(webhook.id)).toMatchObject({ status: 200, error: null });
    await later.stop();
    expect(receiver.received.map((message) => isSigned(secret, message))).toEqual([true]);
    await receiver.stop();
  });

  it('that cannot be opened signs nothing: nothing is sent', async () => {
    const receiver = await Receiver.start();
    const { webhook } = await process.webhooks.create({ url: receiver.url });
    await process.sql.query(`update webhook_secret set sealed = 'v1.AAAA'`);
    expect(await process.webhooks.test(webhook.id)).toMatchObject({ status: null, error: 'secret_unreadable' });
    await process.sql.query('delete from webhook_secret');
    await process.log.raise([someEvent()]);
    await process.deliver();
    const { items } = await process.log.list({}, { limit: 1, cursor: null });
    const { deliveries } = await process.log.read(items[0]?.id ?? '');
    expect(deliveries).toMatchObject([{ state: 'pending', lastError: 'secret_unreadable' }]);
    expect(receiver.received).toEqual([]);
    await receiver.stop();
  });
});

describe('the address of a webhook', () => {
  it.each([
    ['http://127.0.0.1/', 'refused'],
    ['http://2130706433/', 'refused'],
    ['http://[::1]:8080/', 'refused'],
    ['http://10.0.0.7/', 'refused'],
    ['http://169.254.169.254/latest/meta-data', 'refused'],
    ['http://localhost/', 'refused'],
    ['http://metadata.google.internal/', 'refused'],
    ['https://user:secret@8.8.8.8/', 'invalid'],
    ['ftp://8.8.8.8/', 'invalid'],
    ['file:///etc/passwd', 'invalid'],
    ['/hook', 'invalid'],
  ])('%s is %s', async (url, fault) => {
    const strict = await EventsProcess.start(database, { ALLOW_PRIVATE_UPSTREAMS: 'false' });
    await expect(strict.webhooks.create({ url })).rejects.toMatchObject({ code: `webhook_url_${fault}`, param: 'url' });
    const { webhook } = await strict.webhooks.create({ url: URL });
    await expect(strict.webhooks.patch(webhook.id, { url })).rejects.toMatchObject({ code: `webhook_url_${fault}` });
    expect(await strict.webhooks.read(webhook.id)).toMatchObject({ url: URL });
    await strict.stop();
  });

  it('of metadata services is refused where private ones are allowed, too', async () => {
    const url = 'http://169.254.169.254/';
    await expect(process.webhooks.create({ url })).rejects.toMatchObject({ code: 'webhook_url_refused' });
  });
});

it('a webhook that is deleted at that moment makes no event fail', async () => {
  const made = await Promise.all(Array.from({ length: 20 }, () => process.webhooks.create({ url: URL })));
  const raised = Array.from({ length: 60 }, () => process.log.raise([someEvent()]));
  const deleted = made.map(({ webhook }) => process.webhooks.remove(webhook.id));
  await expect(Promise.all([...raised, ...deleted])).resolves.toHaveLength(80);
  expect((await process.log.list({}, { limit: 100, cursor: null })).items).toHaveLength(60);
  expect(await process.sql.query('select count(*)::integer as count from webhook_delivery')).toEqual([{ count: 0 }]);
});

it('there are fifty webhooks at most, however many are made at once', async () => {
  const made = await Promise.allSettled(Array.from({ length: 60 }, () => process.webhooks.create({ url: URL })));
  expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
  expect(made.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'too_many_webhooks' } });
});

describe('events', () => {
  it('older than the retention are deleted with their deliveries, the others stay', async () => {
    const { webhook } = await process.webhooks.create({ url: URL });
    await process.log.raise([someEvent()]);
    const oldId = newId(Date.now() - 91 * 86_400_000);
    await process.sql.query(
      `insert into event (id, kind, severity, subject_type, subject_id, data, created_at)
        values ($1, 'breaker_open', 'warning', 'endpoint', 'x', '{}', now())`,
      [oldId],
    );
    await process.log.redeliver(oldId, webhook.id);
    await process.retention.clean();
    await expect(process.log.read(oldId)).rejects.toMatchObject({ kind: 'not_found' });
    const { items } = await process.log.list({}, { limit: 10, cursor: null });
    expect(items).toHaveLength(1);
    expect((await process.log.read(items[0]?.id ?? '')).deliveries).toHaveLength(1);
  });

  it('are found by kind, account and time, in pages', async () => {
    const accountId = '01980000-0000-7000-8000-0000000000aa';
    await process.log.raise([someEvent(), someEvent({ kind: 'low_balance', accountId }), someEvent({ accountId })]);
    const find = async (filter: Parameters<typeof process.log.list>[0]): Promise<number> =>
      (await process.log.list(filter, { limit: 10, cursor: null })).items.length;
    const [past, future] = [new Date(Date.now() - 60_000), new Date(Date.now() + 60_000)];
    expect(await find({ accountId })).toBe(2);
    expect(await find({ accountId, kind: 'low_balance' })).toBe(1);
    expect([await find({ from: past }), await find({ from: future }), await find({ to: past })]).toEqual([3, 0, 0]);
    const first = await process.log.list({}, { limit: 2, cursor: null });
    const second = await process.log.list({}, { limit: 2, cursor: first.nextCursor });
    const ids = [...first.items, ...second.items].map(({ id }) => id);
    expect([ids.length, new Set(ids).size, second.nextCursor]).toEqual([3, 3, null]);
  });
});
