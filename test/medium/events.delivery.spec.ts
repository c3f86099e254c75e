import { ATTEMPT_TIMEOUT_MS } from '../../src/events/webhook-sender.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';
import { answering, isSigned, Receiver } from '../support/receiver.js';
import { EventsProcess, someEvent } from './events.process.js';

interface Message {
  id: string;
  type: string;
}

let database: TestDatabase;
let process: EventsProcess;
let receiver: Receiver;

beforeAll(async () => {
  database = await createTestDatabase();
  process = await EventsProcess.start(database);
});
afterAll(async () => {
  await process.stop();
  await database.drop();
});
beforeEach(async () => {
  receiver = await Receiver.start();
});
afterEach(async () => {
  await receiver.stop();
  await process.sql.query('delete from event');
  await process.sql.query('delete from webhook');
});

const newest = async (): Promise<string> => (await process.log.list({}, { limit: 1, cursor: null })).items[0]?.id ?? '';
const deliveries = async (id: string) => (await process.log.read(id)).deliveries;
const messages = (): Message[] => receiver.received.map(({ body }) => JSON.parse(body) as Message);

describe('a delivery', () => {
  it('is a signed message with the event, once it is taken never again', async () => {
    const { webhook, secret } = await process.webhooks.create({ url: receiver.url });
    await process.log.raise([someEvent({ kind: 'low_balance', data: { available: '1.000000' } })]);
    const id = await newest();
    await process.deliver();
    await process.deliver();
    const [message, ...more] = receiver.received;
    expect(more).toEqual([]);
    expect(message === undefined ? null : isSigned(secret, message)).toBe(true);
    expect(message?.headers['webhook-id']).toBe(id);
    expect(JSON.parse(message?.body ?? '')).toMatchObject({ id, type: 'low_balance', data: { available: '1.000000' } });
    expect(await deliveries(id)).toMatchObject([
      { webhookId: webhook.id, state: 'delivered', attempts: 1, lastStatus: 200, lastError: null },
    ]);
  });

  it('goes to webhooks that are enabled and want its kind', async () => {
    const [other, off] = [await Receiver.start(), await Receiver.start()];
    await process.webhooks.create({ url: receiver.url, kinds: ['breaker_open'] });
    await process.webhooks.create({ url: other.url, kinds: ['drift_found', 'low_balance'] });
    await process.webhooks.create({ url: off.url, enabled: false });
    await process.log.raise([someEvent({ kind: 'breaker_open' }), someEvent({ kind: 'drift_found' })]);
    await process.deliver();
    expect(messages().map(({ type }) => type)).toEqual(['breaker_open']);
    expect([other.received.length, off.received.length]).toEqual([1, 0]);
    await other.stop();
    await off.stop();
  });

  it('is gone with the transaction that raised its event', async () => {
    await process.webhooks.create({ url: receiver.url });
    const failing = process.sql.transaction(async (transaction) => {
      await process.log.raise([someEvent()], transaction);
      throw new Error('the change fails');
    });
    await expect(failing).rejects.toThrow('the change fails');
    await process.deliver();
    expect([receiver.received.length, await newest()]).toEqual([0, '']);
  });

  it('of an event that may be raised once is one, whoever raises it at the same time', async () => {
    await process.webhooks.create({ url: receiver.url });
    const second = await EventsProcess.start(database);
    const events = Array.from({ length: 20 }, () => someEvent({ onceKey: 'the same' }));
    await Promise.all(events.map((event, at) => (at % 2 === 0 ? process : second).log.raise([event, someEvent()])));
    await Promise.all([process.deliver(), second.deliver()]);
    await second.stop();
    expect(receiver.received).toHaveLength(21);
    expect(new Set(messages().map(({ id }) => id)).size).toBe(21);
  });

  it('is tried again with the same id and body until it is taken, and the webhook says since when it fails', async () => {
    const { webhook, secret } = await process.webhooks.create({ url: receiver.url });
    receiver.answer = answering(500);
    await process.log.raise([someEvent()]);
    const id = await newest();
    await process.deliver();
    await process.deliver();
    expect(receiver.received).toHaveLength(1);
    expect(await deliveries(id)).toMatchObject([
      { state: 'pending', attempts: 1, lastStatus: 500, lastError: 'http_500' },
    ]);
    const { failingSince } = await process.webhooks.read(webhook.id);
    expect(failingSince).toBeInstanceOf(Date);
    await process.hurry();
    await process.deliver();
    expect(await process.webhooks.read(webhook.id)).toMatchObject({ failingSince, lastError: 'http_500' });
    receiver.answer = answering(204);
    await process.hurry();
    await process.deliver();
    expect(await process.webhooks.read(webhook.id)).toMatchObject({ failingSince: null, lastError: null });
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 3 }]);
    const [first, ...others] = receiver.received;
    for (const message of others) {
      expect([message.body, message.headers['webhook-id']]).toEqual([first?.body, id]);
      expect(isSigned(secret, message)).toBe(true);
    }
  });

  it('is given up after its last attempt, and goes again when somebody says so', async () => {
    const { webhook } = await process.webhooks.create({ url: receiver.url });
    receiver.answer = answering(503);
    await process.log.raise([someEvent()]);
    const id = await newest();
    const isFailed = async (): Promise<true | null> => {
      await process.hurry();
      await process.deliver();
      return (await deliveries(id))[0]?.state === 'failed' ? true : null;
    };
    await pollUntil(isFailed, 'the last attempt');
    const attempts = receiver.received.length;
    await process.deliver();
    expect(receiver.received).toHaveLength(attempts);
    receiver.answer = answering(200);
    await process.log.redeliver(id, null);
    await process.deliver();
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 1 }]);
    await process.log.redeliver(id, webhook.id);
    await process.deliver();
    expect(receiver.received).toHaveLength(attempts + 2);
  });

  it('to a webhook that came later is made when it is named', async () => {
    await process.log.raise([someEvent()]);
    const { webhook } = await process.webhooks.create({ url: receiver.url });
    await process.log.redeliver(await newest(), null);
    await process.deliver();
    expect(receiver.received).toHaveLength(0);
    await process.log.redeliver(await newest(), webhook.id);
    await process.deliver();
    expect(receiver.received).toHaveLength(1);
  });

  it('that a dead process was at is made by another one, with the same id', async () => {
    await process.webhooks.create({ url: receiver.url });
    await process.log.raise([someEvent()]);
    const id = await newest();
    // It had claimed it and is gone: nothing else is left of it.
    await process.sql.query(
      `update webhook_delivery set attempts = 1, next_attempt_at = now() + interval '30 seconds'`,
    );
    await process.deliver();
    expect(receiver.received).toHaveLength(0);
    await process.hurry();
    await process.deliver();
    expect(messages().map((message) => message.id)).toEqual([id]);
    expect(await deliveries(id)).toMatchObject([{ state: 'delivered', attempts: 2 }]);
  });

  it('that an orderly end has broken off is due at once, and does not count', async () => {
    await process.webhooks.create({ url: receiver.url });
    receiver.answer = () => undefined;
    await process.log.raise([someEvent()]);
    const ending = await EventsProcess.start(database);
    await ending.courier.look();
    await receiver.messages(1);
    await ending.stop();
    receiver.answer = answering(200);
    await process.deliver();
    expect(await deliveries(await newest())).toMatchObject([{ state: 'delivered', attempts: 1 }]);
  });
});

describe('a receiver that misbehaves', () => {
  it('and never answers keeps nobody else from getting every event', async () => {
    const silent = await Receiver.start();
    silent.answer = () => undefined;
    await process.webhooks.create({ url: silent.url });
    await process.webhooks.create({ url: receiver.url });
    await process.log.raise(Array.from({ length: 40 }, () => someEvent()));
    const startedMs = performance.now();
    await process.courier.look();
    await receiver.messages(40);
    // Four more for each time-out that has passed, which on a machine of its own is none.
    const timeouts = Math.floor((performance.now() - startedMs) / ATTEMPT_TIMEOUT_MS);
    expect(silent.received.length).toBeLessThanOrEqual(4 * (1 + timeouts));
    await silent.stop();
    await process.courier.idle();
  });

  it.each([
    ['redirects', 'http_307', answering(307, { location: 'http://169.254.169.254/latest' })],
    ['closes the connection', 'connection_lost', (response: { destroy: () => unknown }) => void response.destroy()],
  ])('and %s has not taken it (%s)', async (_, error, answer) => {
    receiver.answer = answer;
    const { webhook } = await process.webhooks.create({ url: receiver.url });
    await process.log.raise([someEvent()]);
    await process.deliver();
    expect(await deliveries(await newest())).toMatchObject([{ state: 'pending', lastError: error }]);
    expect((await process.webhooks.read(webhook.id)).lastError).toBe(error);
    expect(receiver.received).toHaveLength(1);
  });

  it('and answers without end is taken at its first word', async () => {
    receiver.answer = (response) => {
      response.writeHead(200);
      const more = (): unknown => !response.destroyed && response.write('x'.repeat(65_536), () => setImmediate(more));
      more();
    };
    await process.webhooks.create({ url: receiver.url });
    await process.log.raise([someEvent()]);
    await process.deliver();
    expect(await deliveries(await newest())).toMatchObject([{ state: 'delivered' }]);
  });

  it('and is not there, or where no connection may go, has not taken it', async () => {
    await process.webhooks.create({ url: receiver.url });
    await receiver.stop();
    await process.log.raise([someEvent()]);
    await process.deliver();
    expect(await deliveries(await newest())).toMatchObject([{ lastError: 'connect_failed', lastStatus: null }]);
    // The same address, in a process that may not reach it: checked with the connection, not only when it was saved.
    const strict = await EventsProcess.start(database, { ALLOW_PRIVATE_UPSTREAMS: 'false' });
    await process.hurry();
    await strict.deliver();
    await strict.stop();
    expect(await deliveries(await newest())).toMatchObject([{ lastError: 'address_refused', lastStatus: null }]);
  });
});
