import { chat, chatStream, prompt, requestIdOf } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestKey, type TestModel } from '../support/world.js';

/** One structured line a request, and no secret in any of them. */
let world: World;
let key: TestKey;
let model: TestModel;
beforeAll(async () => {
  world = await World.create({ LOG_LEVEL: 'trace' });
  key = await world.key();
  model = await world.model({ behaviours: ['status-503', 'ok-n20-p10'] });
});
afterAll(() => world.destroy());

/** The log lines of a request, once there is one that says how it ended. */
function linesOf(requestId: string): Promise<Record<string, unknown>[]> {
  const ask = (): Promise<Record<string, unknown>[] | null> => {
    const lines = world.gateway.logLines().filter((line) => line['request_id'] === requestId);
    return Promise.resolve(lines.some((line) => line['msg'] === 'request') ? lines : null);
  };
  return pollUntil(ask, `log line of ${requestId}`);
}

describe('the log', () => {
  it.each([false, true])('has one line for a request, with all that an operator asks (stream: %s)', async (stream) => {
    const headers = { 'x-request-id': unique('label') };
    const response = stream
      ? (await chatStream(world.url, prompt(model.key), { key: key.key, headers })).response
      : await chat(world.url, prompt(model.key), { key: key.key, headers });
    const lines = (await linesOf(requestIdOf(response))).filter((line) => line['msg'] === 'request');
    expect(lines).toHaveLength(1);
    const text = JSON.stringify(lines[0]);
    for (const fact of [headers['x-request-id'], 'bearer', key.id, 'standard', model.key, ...model.providers]) {
      expect(text).toContain(fact);
    }
    expect(text).toMatch(/freeze/);
    expect(text).toMatch(/outcome/);
    expect(text).toMatch(/"(provider|route|freeze|authenticate)[^"]*":[\d.]+/);
  });

  it('has a line for a refused request as well', async () => {
    const response = await chat(world.url, prompt(model.key), { key: 'jt_unknown' });
    expect(await linesOf(requestIdOf(response))).toHaveLength(1);
  });

  it('never holds a key, a token or what was said', async () => {
    const secret = unique('spoken-secret');
    const { key: leaky } = await world.model({ behaviours: ['leak-401'] });
    const { key: echo } = await world.model({ behaviours: ['echo'] });
    const body = { user: secret, messages: [{ role: 'user', content: secret }] };
    await chat(world.url, prompt(echo, body), { key: key.key, headers: { 'x-api-key': key.key } });
    await chatStream(world.url, prompt(echo, body), { key: key.key });
    const last = await chat(world.url, prompt(leaky, body), { key: key.key });
    const unknown = `jt_${unique('presented')}`;
    await linesOf(requestIdOf(await chat(world.url, prompt(echo), { key: unknown })));
    await linesOf(requestIdOf(last));
    const printed = world.gateway.printed();
    for (const hidden of [key.key, unknown, 'sk-canary', 'ja_test_bootstrap', secret, 'postgres:postgres']) {
      expect(printed).not.toContain(hidden);
    }
  });
});
