import { auditDatabase } from '../support/audit.js';
import { ADAPTERS } from '../support/battery/adapters.js';
import { chat, readUntil } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestKey } from '../support/world.js';

/** A caller who leaves, whatever the vendor speaks: the vendor is told at once, and what arrived is what is paid. */

/** The upstream says nothing more than this until its caller has gone. */
const FOR_EVER = '-d600000';
const PIECES = 12;

const POINTS = [
  ['before the first byte', '-w0', null, 0],
  ['in the middle', '-w1-a5', ' jumps', 5],
  ['after the last content', '-w2', ' grey', PIECES],
] as const;

const CELLS = ADAPTERS.flatMap((adapter) => POINTS.map((point) => [adapter.name, ...point, adapter] as const));

let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
});
afterAll(async () => {
  expect(await auditDatabase(world.database.url)).toEqual([]);
  await world.destroy();
});

it.each(CELLS)('%s: a caller that leaves %s', async (_name, _when, options, seen, outputTokens, { adapter, path }) => {
  const label = unique('leaver');
  const leaving = new AbortController();
  const { id, key: model } = await world.model({ behaviours: [] });
  const provider = await world.provider({ adapter, base_url: world.upstream.url.replace(/\/v1$/, path) });
  const upstreamModel = `ok-n${String(PIECES)}-p10${options}${FOR_EVER}`;
  await world.admin.post(`/models/${id}/endpoints`, { provider_id: provider.id, upstream_model: upstreamModel });
  const answer = chat(
    world.url,
    { model, stream: true, messages: [{ role: 'user', content: label }] },
    { key: key.key, headers: { 'x-request-id': label }, signal: leaving.signal },
  );
  if (seen === null) {
    await world.upstream.callWhen(label, () => true);
    leaving.abort();
    await expect(answer).rejects.toThrow();
  } else {
    await readUntil(await answer, seen);
    leaving.abort();
  }
  await world.upstream.callWhen(label, ({ hungUpAtMs }) => hungUpAtMs !== null);
  const record = await world.admin.settled(await idOf(label));
  const paid = { status: 'settled', usage_source: 'estimated', output_tokens: outputTokens, shortfall: '0.000000' };
  expect(record).toMatchObject(outputTokens === 0 ? { status: 'released', credits_charged: '0.000000' } : paid);
  const standing = await world.admin.get<{ data: { standing: { breaker: string } }[] }>(`/models/${id}/endpoints`);
  expect(standing.data[0]?.standing).toMatchObject({ breaker: 'closed' });
});

function idOf(label: string): Promise<string> {
  const ask = async (): Promise<string | null> => {
    const answer = await world.admin.send('GET', `/requests/${label}`);
    return answer.ok ? ((await answer.json()) as { request_id: string }).request_id : null;
  };
  return pollUntil(ask, `the trace of ${label}`);
}
