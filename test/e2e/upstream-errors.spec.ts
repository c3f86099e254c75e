import { Client } from 'pg';
import { chat, chatStream, errorOf, prompt, requestIdOf } from '../support/chat.js';
import { World, type TestKey } from '../support/world.js';

/** What a caller sees, and pays, when the only endpoint fails before any output. */
let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key({ credits: { standard: '10' } });
});
afterAll(() => world.destroy());

/** Calls a model with one endpoint that behaves so; checks that nothing stays frozen and nothing is charged. */
async function failing(behaviour: string, more: Record<string, unknown> = {}): Promise<Response> {
  const model = await world.model({ behaviours: [behaviour], stallMs: 400 });
  const response = await chat(world.url, prompt(model.key, more), { key: key.key });
  expect(response.headers.get('x-daoe-used-model')).toBe(model.key);
  const usage = await world.admin.settled(requestIdOf(response));
  expect(usage).toMatchObject({ status: 'released', credits_charged: '0.000000' });
  expect(await world.admin.wallet(key.accountId, 'standard')).toMatchObject({ available: '10.000000' });
  return response;
}

/** The status that went into the outcome, which outlives the trace of the request. */
async function outcomeStatusOf(id: string): Promise<number> {
  const client = new Client({ connectionString: world.database.url });
  await client.connect();
  try {
    const sql = `select (outcome->>'status')::int as status from wallet_freeze where id = $1`;
    return (await client.query<{ status: number }>(sql, [id])).rows[0]?.status ?? 0;
  } finally {
    await client.end();
  }
}

describe.each([false, true])('an upstream that fails before any output (stream: %s)', (stream) => {
  it.each([
    ['status-400', 400, 'invalid_request_error'],
    ['status-413', 400, 'invalid_request_error'],
    ['status-422', 400, 'invalid_request_error'],
    ['status-401', 502, 'upstream_error'],
    ['status-402', 502, 'upstream_error'],
    ['status-403', 502, 'upstream_error'],
    ['status-404', 502, 'upstream_error'],
    ['status-500', 502, 'upstream_error'],
    ['status-503', 502, 'upstream_error'],
    ['reset', 502, 'upstream_error'],
    ['close', 502, 'upstream_error'],
    ['html', 502, 'upstream_error'],
    ['broken-json-a0', 502, 'upstream_error'],
    ['stall-headers', 504, 'upstream_error'],
  ])('%s comes back as %i %s', async (behaviour, status, type) => {
    const response = await failing(behaviour, { stream });
    const id = requestIdOf(response);
    if (status >= 500) expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(await errorOf(response)).toMatchObject({ status, type });
    expect(await outcomeStatusOf(id)).toBe(status);
  });

  it('passes the code of a caller fault on', async () => {
    expect(await errorOf(await failing('status-400', { stream }))).toMatchObject({ code: 'upstream_400' });
  });

  it('answers 429 with Retry-After when every endpoint limits the rate', async () => {
    const response = await failing('status-429-r7', { stream });
    expect(response.headers.get('retry-after')).toBe('7');
    const limited = { status: 429, type: 'rate_limit_exceeded', code: 'upstream_rate_limited' };
    expect(await errorOf(response)).toMatchObject(limited);
  });
});

describe('what an upstream says', () => {
  it.each(['leak-400', 'leak-401', 'leak-500'])('never shows a key, an address or a URL (%s)', async (behaviour) => {
    const text = await (await failing(behaviour)).text();
    for (const secret of ['sk-canary', '127.0.0.1', '10.1.2.3', 'http://', 'secret.internal', '/v1/chat']) {
      expect(text).not.toContain(secret);
    }
  });

  it('keeps what the caller can use of a caller fault', async () => {
    const { message, code } = await errorOf(await failing('leak-400'));
    expect(message).toContain("Bad value for 'seed'");
    expect(code).toBe('invalid_value');
  });
});

describe('a stream that fails before its first content', () => {
  it.each([
    ['stall', 504],
    ['held-a0', 504],
    ['cut-a0', 502],
    ['eof-a0', 502],
    ['error-in-stream-a0', 502],
  ])('%s is an ordinary JSON error with status %i', async (behaviour, status) => {
    const response = await failing(behaviour, { stream: true });
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(await errorOf(response)).toMatchObject({ status, type: 'upstream_error' });
  });
});

describe('an upstream that is only odd', () => {
  it('that answers JSON to a stream request still gives a stream', async () => {
    const model = await world.model({ behaviours: ['json-for-stream-n5'] });
    const answer = await chatStream(world.url, prompt(model.key), { key: key.key });
    expect(answer.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(answer.text).toBe('the quick brown fox jumps');
    expect(answer.done).toBe(true);
  });
});
