import { chat, prompt } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { isSigned, Receiver } from '../support/receiver.js';
import { unique, World } from '../support/world.js';

interface EventView {
  id: string;
  kind: string;
  account_id: string | null;
  subject: { type: string; id: string };
  data: Record<string, unknown>;
  deliveries?: { webhook_id: string; state: string }[];
}

interface WebhookView {
  id: string;
  secret: string | null;
}

let world: World;
let receiver: Receiver;
let webhook: WebhookView;

beforeAll(async () => {
  world = await World.create({ UPSTREAM_BREAKER_FAULTS_MAX: '2', UPSTREAM_BREAKER_OPEN_MS: '50' });
  receiver = await Receiver.start();
  webhook = await world.admin.post<WebhookView>('/webhooks', { url: receiver.url, description: 'of the test' });
});
afterAll(async () => {
  await receiver.stop();
  await world.destroy();
});

async function events(query: string): Promise<EventView[]> {
  return (await world.admin.get<{ data: EventView[] }>(`/events?${query}`)).data;
}

/** The message of an event, once it has arrived. */
async function told(event: EventView | undefined): Promise<Record<string, unknown>> {
  const find = () => receiver.received.find(({ headers }) => headers['webhook-id'] === event?.id) ?? null;
  const message = await pollUntil(() => Promise.resolve(find()), `the message of ${String(event?.kind)}`);
  expect(isSigned(String(webhook.secret), message)).toBe(true);
  return JSON.parse(message.body) as Record<string, unknown>;
}

describe('an operator is told', () => {
  it('by a signed message when requests have emptied a wallet to its threshold', async () => {
    const model = await world.model();
    const key = await world.key({ credits: { standard: '1' } });
    const wallet = `/accounts/${key.accountId}/wallets/standard`;
    const patched = await world.admin.patch<Record<string, unknown>>(wallet, { low_balance_threshold: '0.99' });
    expect(patched).toMatchObject({ tier: 'standard', available: '1.000000', low_balance_threshold: '0.990000' });
    expect((await chat(world.url, prompt(model.key), { key: key.key })).status).toBe(200);
    const query = `kind=low_balance&account_id=${key.accountId}`;
    const [event] = await pollUntil(async () => {
      const found = await events(query);
      return found.length > 0 ? found : null;
    }, 'the event');
    expect(event?.data).toMatchObject({ tier: 'standard', threshold: '0.990000' });
    expect(await told(event)).toMatchObject({ id: event?.id, type: 'low_balance', account_id: key.accountId });
    const delivered = await pollUntil(async () => {
      const found = await world.admin.get<EventView>(`/events/${event?.id ?? ''}`);
      return found.deliveries?.[0]?.state === 'delivered' ? found : null;
    }, 'the end of the delivery');
    expect(delivered.deliveries).toMatchObject([{ webhook_id: webhook.id, last_status: 200, last_error: null }]);
  });

  it('when a key is disabled, revoked or rotated, or its owner leaves the organization, each time once', async () => {
    const person = await world.account({});
    const organization = await world.admin.post<{ id: string }>('/accounts', {
      kind: 'organization',
      name: unique('o'),
    });
    await world.admin.post(`/accounts/${organization.id}/members`, { account_id: person });
    const fields = { owner_account_id: person, billing_account_id: organization.id };
    const [key, other] = [await world.key({ fields }), await world.key({ fields })];
    await world.admin.patch(`/api-keys/${key.id}`, { status: 'DISABLED' });
    await world.admin.patch(`/api-keys/${key.id}`, { status: 'DISABLED' });
    await world.admin.patch(`/api-keys/${key.id}`, { status: 'ACTIVE' });
    await world.admin.post(`/api-keys/${key.id}/rotate`, { grace_seconds: 60 });
    await world.admin.send('DELETE', `/accounts/${organization.id}/members/${person}`);
    await world.admin.post(`/api-keys/${key.id}/revoke`, {});
    await world.admin.post(`/api-keys/${key.id}/revoke`, {});
    const found = await events(`kind=key_disabled&account_id=${organization.id}`);
    const reasonsOf = (id: string): unknown[] =>
      found.filter(({ subject }) => subject.id === id).map(({ data }) => data['reason']);
    expect(reasonsOf(key.id)).toEqual(['revoked', 'member_removed', 'rotated', 'disabled']);
    expect(reasonsOf(other.id)).toEqual(['member_removed']);
    await told(found[0]);
  });

  it('of a key only when the change was kept', async () => {
    const key = await world.key();
    const refused = await world.admin.send(
      'PATCH',
      `/api-keys/${key.id}`,
      { status: 'DISABLED' },
      { 'if-match': '"other"' },
    );
    expect(refused.status).toBe(412);
    expect(await events(`kind=key_disabled&account_id=${key.accountId}`)).toEqual([]);
  });

  it('when a key has expired', async () => {
    const key = await world.key();
    await world.admin.patch(`/api-keys/${key.id}`, { expires_at: new Date(Date.now() - 1_000).toISOString() });
    const [event] = await pollUntil(async () => {
      const found = await events(`kind=key_disabled&account_id=${key.accountId}`);
      return found.length > 0 ? found : null;
    }, 'the event');
    expect(event).toMatchObject({ subject: { type: 'api_key', id: key.id }, data: { reason: 'expired' } });
  });

  it('once when a breaker opens, however many processes meet it and however many probes fail', async () => {
    const second = await world.startAnother();
    const model = await world.model({ behaviours: ['status-500'] });
    const key = await world.key();
    const about = async (): Promise<EventView[]> =>
      (await events('kind=breaker_open')).filter(({ data }) => data['model_key'] === model.key);
    for (let round = 0; round < 12; round++) {
      // One request alone, however often it fails, says nothing about the endpoint.
      const body = prompt(model.key, { user: unique('fault') });
      await Promise.all([world.url, second.url].map((url) => chat(url, body, { key: key.key })));
    }
    await pollUntil(async () => ((await about()).length > 0 ? true : null), 'the event');
    await second.stop();
    const found = await about();
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      subject: { type: 'endpoint' },
      data: { provider: model.providers[0], upstream_model: 'status-500', reason: 'http_500', scope: 'one_caller' },
    });
    await told(found[0]);
  });
});

describe('a webhook', () => {
  it('is tested with a real message, also while it is not enabled', async () => {
    const before = receiver.received.length;
    await world.admin.patch(`/webhooks/${webhook.id}`, { enabled: false });
    expect(await world.admin.post(`/webhooks/${webhook.id}/test`, undefined)).toMatchObject({
      delivered: true,
      status: 200,
      error: null,
    });
    const message = receiver.received.slice(before).find(({ body }) => body.includes('"type":"test"'));
    expect(message !== undefined && isSigned(String(webhook.secret), message)).toBe(true);
    await world.admin.patch(`/webhooks/${webhook.id}`, { enabled: true });
  });

  it('shows its secret once, also to whoever repeats its creation or asks for its past', async () => {
    const key = { 'idempotency-key': unique('webhook') };
    const body = { url: receiver.url, kinds: ['drift_found'] };
    const made = await world.admin.post<WebhookView>('/webhooks', body, key);
    expect(made.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(await world.admin.post('/webhooks', body, key)).toMatchObject({ id: made.id, secret: null, replayed: true });
    const rotated = await world.admin.post<WebhookView>(`/webhooks/${made.id}/rotate-secret`, { grace_seconds: 0 });
    expect(rotated.secret).not.toBe(made.secret);
    const shown = await Promise.all(
      ['/webhooks', `/webhooks/${made.id}`, '/audit-log?resource=webhook'].map((path) => world.admin.get(path)),
    );
    for (const { secret } of [made, rotated]) expect(JSON.stringify(shown)).not.toContain(secret);
    expect(JSON.stringify(shown)).toContain('"secret":"[masked]"');
    await world.admin.send('DELETE', `/webhooks/${made.id}`);
    expect((await world.admin.send('GET', `/webhooks/${made.id}`)).status).toBe(404);
  });

  it('is changed only in the state that If-Match names, which deliveries and balances do not change', async () => {
    const path = `/webhooks/${webhook.id}`;
    const tag = (await world.admin.send('GET', path)).headers.get('etag') ?? '';
    const patch = (description: string, ifMatch: string): Promise<Response> =>
      world.admin.send('PATCH', path, { description }, { 'if-match': ifMatch });
    expect((await patch('one', tag)).status).toBe(200);
    expect((await patch('two', tag)).status).toBe(412);
    const account = await world.account({});
    const wallet = `/accounts/${account}/wallets/economy`;
    const walletTag = (await world.admin.send('GET', wallet)).headers.get('etag') ?? '';
    await world.admin.topUp(account, 'economy', '5');
    const set = await world.admin.send('PATCH', wallet, { low_balance_threshold: '1' }, { 'if-match': walletTag });
    expect(set.status).toBe(200);
    const again = await world.admin.send('PATCH', wallet, { low_balance_threshold: null }, { 'if-match': walletTag });
    expect(again.status).toBe(412);
  });

  it.each([
    [{ low_balance_threshold: '0' }, 400],
    [{ low_balance_threshold: '-1' }, 400],
    [{ low_balance_threshold: '0.0000001' }, 400],
    [{}, 400],
    [{ low_balance_threshold: '1', budget: 1 }, 400],
  ])('and thresholds refuse %j', async (body, status) => {
    const account = await world.account({});
    expect((await world.admin.send('PATCH', `/accounts/${account}/wallets/standard`, body)).status).toBe(status);
    expect((await world.admin.send('PATCH', `/accounts/${account}/wallets/gold`, body)).status).toBe(404);
  });
});
