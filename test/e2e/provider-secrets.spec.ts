import { chat, chatStream, prompt, requestIdOf } from '../support/chat.js';
import { everyRow } from '../support/every-row.js';
import { ADMIN_TOKEN } from '../support/gateway.js';
import { unique, World, type TestKey } from '../support/world.js';

/** A key that looks like none: no pattern finds it, only whoever knows it. Its first one is replaced later. */
const OLD_KEY = 'correct:horse:"battery"';
const KEY = 'staple:of:the:gateway';
/** What is left of it where only its first word is cut out. */
const REST = 'of:the:gateway';
const BEHAVIOURS = ['leak-400', 'leak-401', 'leak-422', 'leak-500', 'error-in-stream-a0', 'bad-key', 'ok'];

let world: World;
let caller: TestKey;

beforeAll(async () => {
  world = await World.create({ LOG_LEVEL: 'trace' });
  caller = await world.key();
});

afterAll(async () => {
  await world.destroy();
});

describe("a provider's key", () => {
  it('is in no answer, log line, metric, trace, audit row or table, whatever an upstream says about it', async () => {
    const seen: string[] = [];
    const tell = async (response: Response): Promise<void> => {
      seen.push(await response.text(), JSON.stringify([...response.headers]));
    };
    for (const behaviour of BEHAVIOURS) {
      const model = await world.model({ behaviours: [behaviour], provider: { api_key: OLD_KEY } });
      const { data } = await world.admin.get<{ data: { id: string; name: string }[] }>('/providers?limit=1');
      const id = data[0]?.id ?? '';
      await tell(
        await world.admin.send('PATCH', `/providers/${id}`, { api_key: KEY }, { 'idempotency-key': unique('patch') }),
      );
      const answer = await chat(world.url, prompt(model.key), { key: caller.key });
      const requestId = requestIdOf(answer);
      await tell(answer);
      const stream = await chatStream(world.url, prompt(model.key), { key: caller.key });
      seen.push(JSON.stringify(stream));
      await tell(await world.admin.send('POST', `/providers/${id}/test`, {}));
      await tell(await world.admin.send('POST', `/providers/${id}/test`, { model: behaviour }));
      await tell(await world.admin.send('GET', `/requests/${requestId}`));
      await tell(await world.admin.send('GET', `/providers/${id}`));
    }
    for (const path of ['/providers', '/audit-log?limit=200', '/requests?limit=100', '/models']) {
      await tell(await world.admin.send('GET', path));
    }
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    for (const path of ['/metrics', '/health']) await tell(await fetch(`${world.url}${path}`, { headers }));
    const places = {
      answers: seen.join('\n'),
      log: world.gateway.printed(),
      tables: await everyRow(world.database.url),
    };
    // The test would find them: what a fault says is here, and the upstream has had the key.
    expect(places.answers).toContain("Bad value for 'seed'");
    expect(places.tables).toContain('provider.patch');
    for (const [place, text] of Object.entries(places)) {
      for (const key of [OLD_KEY, REST]) expect({ place, holds: text.includes(key) }).toEqual({ place, holds: false });
    }
  });
});
