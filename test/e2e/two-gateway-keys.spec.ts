import { chat, prompt, type Completion, type ErrorBody } from '../support/chat.js';
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
  await world.caughtUp(other);
});
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
    await pollUntil(refused, 'the quota of the key to be used up');
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

describe('a key that an organization pays for', () => {
  async function member(): Promise<{ organization: string; owner: string; key: string }> {
    const owner = await world.account({ standard: '5' });
    const made = await world.admin.post<{ id: string }>('/accounts', { kind: 'organization', name: 'Acme' });
    await world.admin.topUp(made.id, 'standard', '100');
    await world.admin.post(`/accounts/${made.id}/members`, { account_id: owner });
    const fields = { owner_account_id: owner, billing_account_id: made.id };
    return { organization: made.id, owner, key: (await world.key({ fields })).key };
  }

  it('is charged to the wallet of the organization, and to no other', async () => {
    const { organization, owner, key } = await member();
    const response = await chat(world.url, prompt(model, { max_tokens: 20 }), { key });
    const { metadata } = (await response.json()) as Completion;
    expect(metadata.billing.wallet).toBe('organization');
    const usage = await world.admin.settled(metadata.request_id);
    expect(usage.account_id).toBe(organization);
    expect((await world.admin.wallet(owner, 'standard')).available).toBe('5.000000');
    const left = 100 - Number(usage.credits_charged);
    expect((await world.admin.wallet(organization, 'standard')).available).toBe(left.toFixed(6));
  });

  it('stops at every gateway when its owner leaves, and goes on when it comes back', async () => {
    const { organization, owner, key } = await member();
    expect(await statuses(key)).toEqual([200, 200]);
    const { status } = await world.admin.send('DELETE', `/accounts/${organization}/members/${owner}`);
    expect(status).toBe(204);
    for (const error of await refusedEverywhere(key)) {
      expect(error).toMatchObject({ type: 'invalid_api_key' });
      expect(error.message).toContain('member');
    }
    await world.admin.post(`/accounts/${organization}/members`, { account_id: owner });
    const served = async (): Promise<true | null> => ((await statusAt(other.url, key)) === 200 ? true : null);
    await pollUntil(served, 'the key to pass again');
  });

  it.each(['owner', 'organization'] as const)('stops when the account of its %s is suspended', async (which) => {
    const accounts = await member();
    await world.admin.patch(`/accounts/${accounts[which]}`, { status: 'suspended' });
    for (const error of await refusedEverywhere(accounts.key)) expect(error.message).toContain('suspended');
  });
});

describe('the policies of the accounts of a key', () => {
  it('hold besides its own, as soon as they are attached, changed or detached', async () => {
    const key = await world.key({ policy: { allowed_tiers: ['standard', 'premium'] } });
    const standard = await world.policy({ allowed_tiers: ['economy'] });
    expect(await statuses(key.key)).toEqual([200, 200]);
    const refusal = async (url: string): Promise<ErrorBody['error'] | null> => {
      const response = await chat(url, prompt(model), { key: key.key });
      const text = await response.text();
      return response.status === 403 ? (JSON.parse(text) as ErrorBody).error : null;
    };
    await world.admin.patch(`/accounts/${key.accountId}`, { policy_id: standard });
    expect(await refusal(world.url)).toMatchObject({
      type: 'policy_rejected',
      message: 'requested tier is not allowed',
    });
    await pollUntil(() => refusal(other.url), 'the other gateway to refuse');
    const inUse = await world.admin.send('DELETE', `/policies/${standard}`);
    expect(inUse.status).toBe(409);
    await world.admin.patch(`/policies/${standard}`, { allowed_tiers: [], ip_blocklist: ['127.0.0.1'] });
    expect(await refusal(world.url)).toMatchObject({ code: 'ip_blocked' });
    await world.admin.patch(`/accounts/${key.accountId}`, { policy_id: null });
    expect(await statusAt(world.url, key.key)).toBe(200);
  });

  it('leave out of the list of models what they refuse', async () => {
    const { id, key: name } = await world.model();
    const { key, accountId } = await world.key();
    const policyId = await world.policy({ model_blacklist: [id] });
    await world.admin.patch(`/accounts/${accountId}`, { policy_id: policyId });
    const headers = { authorization: `Bearer ${key}` };
    const listed = await (await fetch(`${world.url}/openai/v1/models`, { headers })).text();
    expect(listed).toContain(model);
    expect(listed).not.toContain(name);
  });
});

describe('limits of a key', () => {
  async function placesTaken(apiKeyId: string, count: number): Promise<void> {
    const held = async (): Promise<true | null> =>
      (await world.admin.get<{ data: object[] }>(`/freezes?api_key_id=${apiKeyId}`)).data.length === count
        ? true
        : null;
    await pollUntil(held, `${count.toString()} places to be taken`);
  }

  it('let no more requests a minute pass than they say, at both gateways together', async () => {
    const { key } = await world.key({ fields: { limit_rpm: 5 } });
    const calls = Array.from({ length: 16 }, (_, at) =>
      chat([world.url, other.url][at % 2] ?? '', prompt(model), { key }),
    );
    const answers = await Promise.all(calls);
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    for (const [at, answer] of answers.entries()) {
      if (answer.status === 200) continue;
      expect([answer.status, Number(answer.headers.get('retry-after')) > 0]).toEqual([429, true]);
      expect((JSON.parse(bodies[at] ?? '') as ErrorBody).error).toMatchObject({
        type: 'rate_limit_exceeded',
        code: 'rate_limit',
      });
    }
  });

  it('let no more requests run at a time than they say, and free their places when those have ended', async () => {
    const { key: slow } = await world.model({ behaviours: ['slow-headers-d6000-n5-p5'] });
    const { id, key } = await world.key({ fields: { limit_concurrency: 2 } });
    const running = [world.url, other.url].map((url) => chat(url, prompt(slow), { key }));
    await placesTaken(id, 2);
    const response = await chat(other.url, prompt(model), { key });
    expect([response.status, ((await response.json()) as ErrorBody).error.code]).toEqual([429, 'concurrency_limit']);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    for (const answer of await Promise.all(running)) await answer.text();
    const passes = async (): Promise<true | null> => ((await statusAt(world.url, key)) === 200 ? true : null);
    await pollUntil(passes, 'the places to be free again');
  });

  it('of 0 let nothing pass', async () => {
    const { key } = await world.key({ fields: { limit_rpm: 0 } });
    expect(await statuses(key)).toEqual([429, 429]);
    const none = await world.key({ fields: { limit_concurrency: 0 } });
    expect(await statuses(none.key)).toEqual([429, 429]);
  });
});
