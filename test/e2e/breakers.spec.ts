import { AdminClient } from '../support/admin.js';
import { chat, errorOf, prompt } from '../support/chat.js';
import type { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestKey, type TestModel } from '../support/world.js';

/** What one gateway process learns of an endpoint, the others know: breakers and limits, also after a restart. */
let world: World;
let other: GatewayProcess;
let key: TestKey;
beforeAll(async () => {
  world = await World.create({ UPSTREAM_BREAKER_FAULTS_MAX: '2', UPSTREAM_BREAKER_OPEN_MS: '600000' });
  other = await world.startAnother();
  key = await world.key();
});
afterAll(async () => {
  await other.stop();
  await world.destroy();
});

interface Standing {
  breaker: string;
  last_fault: string | null;
  breaker_wait_ms: number;
  limited_for_ms: number;
}

async function standing(url: string, { id }: TestModel): Promise<Standing> {
  const { data } = await new AdminClient(url).get<{ data: { standing: Standing }[] }>(`/models/${id}/endpoints`);
  if (data[0] === undefined) throw new Error('no endpoint');
  return data[0].standing;
}

const standingWhen = (url: string, model: TestModel, holds: (standing: Standing) => boolean): Promise<Standing> =>
  pollUntil(
    async () => {
      const now = await standing(url, model);
      return holds(now) ? now : null;
    },
    'the standing of the endpoint',
    10_000,
  );

/** @returns the upstream models that one call reached, in order. */
async function reached(url: string, model: TestModel): Promise<string[]> {
  const marker = unique('breaker');
  const response = await chat(url, prompt(model.key, { user: marker }), { key: key.key });
  await response.text();
  return (await world.upstream.calls(marker)).map((call) => call.model);
}

it('a breaker that opened at one process is open at the other, and a changed endpoint starts anew at both', async () => {
  const model = await world.model({ behaviours: ['status-503', 'ok'] });
  expect(await reached(world.url, model)).toEqual(['status-503', 'ok']);
  expect(await standing(other.url, model)).toMatchObject({ breaker: 'closed', last_fault: null });
  expect(await reached(world.url, model)).toEqual(['status-503', 'ok']);

  const learned = await standingWhen(other.url, model, ({ breaker }) => breaker === 'open');
  expect(learned).toMatchObject({ last_fault: 'http_503', limited_for_ms: 0 });
  expect(learned.breaker_wait_ms).toBeGreaterThan(300_000);
  expect(await reached(other.url, model)).toEqual(['ok']);
  expect(await reached(world.url, model)).toEqual(['ok']);
  const opened = (gateway: GatewayProcess): number =>
    gateway.logLines().filter((line) => line['msg'] === 'breaker opened').length;
  expect([opened(world.gateway), opened(other)]).toEqual([1, 0]);

  const { data } = await world.admin.get<{ data: { id: string }[] }>(`/models/${model.id}/endpoints`);
  await world.admin.patch(`/models/${model.id}/endpoints/${data[0]?.id ?? ''}`, { weight: 2 });
  await standingWhen(other.url, model, ({ breaker }) => breaker === 'closed');
  await standingWhen(world.url, model, ({ breaker }) => breaker === 'closed');
  expect(await reached(other.url, model)).toEqual(['status-503', 'ok']);
});

it('an active probe that is answered ends the wait at every process, and closes no breaker', async () => {
  const model = await world.model({ behaviours: ['status-503', 'ok'] });
  for (let fault = 0; fault < 2; fault += 1) await reached(world.url, model);
  await standingWhen(world.url, model, ({ breaker }) => breaker === 'open');
  await standingWhen(other.url, model, ({ breaker }) => breaker === 'open');
  const asking = await world.startAnother({ UPSTREAM_PROBE_INTERVAL_MS: '200' });
  try {
    for (const url of [asking.url, world.url, other.url]) {
      const now = await standingWhen(url, model, ({ breaker }) => breaker === 'half_open');
      expect(now).toMatchObject({ last_fault: 'http_503', breaker_wait_ms: 0 });
    }
  } finally {
    await asking.stop();
  }
  // The call that is the probe decides, for all of them.
  expect(await reached(other.url, model)).toEqual(['status-503', 'ok']);
  await standingWhen(other.url, model, ({ breaker }) => breaker === 'open');
  await standingWhen(world.url, model, ({ breaker }) => breaker === 'open');
  // It never closed: to operators it is one outage.
  const { data } = await world.admin.get<{ data: { data: { model_key: string } }[] }>('/events?kind=breaker_open');
  expect(data.filter(({ data: { model_key: key } }) => key === model.key)).toHaveLength(1);
});

it('a long Retry-After is honoured by every process, also by one that starts later', async () => {
  const model = await world.model({ behaviours: ['status-429-r600'] });
  const refused = await chat(world.url, prompt(model.key), { key: key.key });
  expect(refused.headers.get('retry-after')).toBe('600');
  await standingWhen(other.url, model, ({ limited_for_ms }) => limited_for_ms > 0);
  const later = await world.startAnother();
  try {
    for (const { url } of [world, other, later]) {
      const marker = unique('limit');
      const response = await chat(url, prompt(model.key, { user: marker }), { key: key.key });
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(300);
      expect(await errorOf(response)).toMatchObject({ status: 429, code: 'upstream_rate_limited' });
      expect(await world.upstream.calls(marker)).toEqual([]);
    }
  } finally {
    await later.stop();
  }
});

it('auto with nothing but limits is a 429', async () => {
  const { key: caller } = await world.key({ fields: { tier: 'premium' } });
  const limited = await world.model({ tier: 'premium', behaviours: ['status-429-r600'] });
  await chat(world.url, prompt(limited.key), { key: caller });
  const response = await chat(world.url, prompt('auto'), { key: caller });
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(300);
  expect(await errorOf(response)).toMatchObject({ status: 429, code: 'upstream_rate_limited' });
});

it('an endpoint that recovers is probed by one process, and in service again at both', async () => {
  const quick = { UPSTREAM_BREAKER_OPEN_MS: '1500' };
  const first = await world.startAnother(quick);
  try {
    const model = await world.model({ behaviours: [unique('flap'), 'ok'] });
    const { data } = await world.admin.get<{ data: { upstream_model: string }[] }>(`/models/${model.id}/endpoints`);
    const upstreamModel = data[0]?.upstream_model ?? '';
    await world.upstream.setBehaviour(upstreamModel, 'status-503');
    await world.caughtUp(first);
    await reached(first.url, model);
    await reached(first.url, model);
    await standingWhen(other.url, model, ({ breaker }) => breaker === 'open');

    await world.upstream.setBehaviour(upstreamModel, 'ok');
    await standingWhen(first.url, model, ({ breaker }) => breaker === 'half_open');
    expect(await reached(first.url, model)).toEqual([upstreamModel]);
    await standingWhen(other.url, model, ({ breaker }) => breaker === 'closed');
    expect(await reached(other.url, model)).toEqual([upstreamModel]);
  } finally {
    await first.stop();
  }
});
