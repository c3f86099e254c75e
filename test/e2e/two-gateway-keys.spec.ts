import { chat, prompt, type ErrorBody } from '../support/chat.js';
import type { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

/** What an operator changes of keys and accounts at one gateway, as callers meet it at that one and at another. */
let world: World;
let other: GatewayProcess;
let model: string;

beforeAll(async () => {
  world = await World.create();
  other = await world.startAnother();
  model = (await world.model()).key;
}, 90_000);
afterAll(async () => {
  await other.stop();
  await world.destroy();
});

interface Rotated {
  id: string;
  key: string;
  display: string;
  limit_daily: string | null;
}

async function statusAt(url: string, key: string): Promise<number> {
  const response = await chat(url, prompt(model), { key });
  await response.text();
  return response.status;
}

/** The statuses at both gateways. */
function statuses(key: string): Promise<number[]> {
  return Promise.all([world.url, other.url].map((url) => statusAt(url, key)));
}

/** Waits until both gateways refuse the key. @returns what they say. */
async function refusedEverywhere(key: string): Promise<ErrorBody['error'][]> {
  const refusalAt = async (url: string): Promise<ErrorBody['error'] | null> => {
    const response = await chat(url, prompt(model), { key });
    const text = await response.text();
    return response.status === 403 ? (JSON.parse(text) as ErrorBody).error : null;
  };
  return Promise.all([world.url, other.url].map((url) => pollUntil(() => refusalAt(url), `a refusal at ${url}`)));
}

describe('a rotated key', () => {
  it('passes with its old and its new secret at every gateway during the grace time, and keeps what it is', async () => {
    const { id, key: old } = await world.key({ fields: { limit_daily: '50' } });
    const rotated = await world.admin.post<Rotated>(`/api-keys/${id}/rotate`, { grace_seconds: 600 });
    expect(rotated).toMatchObject({ id, limit_daily: '50.000000' });
    expect(rotated.key).toMatch(/^jt_/);
    expect(rotated.display).toBe(`${rotated.key.slice(0, 7)}…${rotated.key.slice(-4)}`);
    expect(await statuses(old)).toEqual([200, 200]);
    expect(await statuses(rotated.key)).toEqual([200, 200]);
  });

  it('spends the quota that it had', async () => {
    const { id, key: old, accountId } = await world.key({ fields: { limit_daily: '0.1' } });
    const first = await chat(world.url, prompt(model, { max_tokens: 20 }), { key: old });
    expect(first.status).toBe(200);
    await first.text();
    const { key } = await world.admin.post<Rotated>(`/api-keys/${id}/rotate`, { grace_seconds: 0 });
    const refused = async (): Promise<true | null> => ((await statusAt(world.url, key)) === 402 ? true : null);
    await pollUntil(refused, 'the quota of the key to be used up', 15_000);
    expect(Number((await world.admin.wallet(accountId, 'standard')).available)).toBeGreaterThan(999);
  });

  it('is refused everywhere with its old secret when the grace time is over, and the caller is told why', async () => {
    const { id, key: old } = await world.key();
    await world.admin.post(`/api-keys/${id}/rotate`, { grace_seconds: 1 });
    for (const error of await refusedEverywhere(old)) {
      expect(error).toMatchObject({ type: 'invalid_api_key', code: 'invalid_api_key' });
      expect(error.message).toContain('rotated');
    }
  });

  it('is refused at once with every older secret after a rotation without grace', async () => {
    const { id, key: first } = await world.key();
    const second = await world.admin.post<Rotated>(`/api-keys/${id}/rotate`, { grace_seconds: 600 });
    const third = await world.admin.post<Rotated>(`/api-keys/${id}/rotate`, {});
    // The gateway that answered has it in force already.
    expect([await statusAt(world.url, first), await statusAt(world.url, second.key)]).toEqual([403, 403]);
    await refusedEverywhere(first);
    await refusedEverywhere(second.key);
    expect(await statuses(third.key)).toEqual([200, 200]);
  });
});
