import type { TraceView, UsageView } from '../support/admin.js';
import { auditDatabase } from '../support/audit.js';
import { chat, prompt, readUntil } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestKey } from '../support/world.js';

/** Who pays what when a caller leaves: every rule, at every point, whatever usage the provider reports. Amounts are exact. */

/** The rest of an answer comes after a pause, in which the caller leaves; long enough for a machine that is very busy. */
const PAUSE_MS = 5_000;
const PIECES = 12;
const DELIVERED_IN_THE_MIDDLE = 5;

/** Micro-credits: 900 a token of output, 200 a token of input. The provider counts 10 tokens of input, the gateway 8. */
const COUNTED_BY_PROVIDER = priceOf(10, PIECES);
const COUNTED_HERE = priceOf(8, PIECES);
const COUNTED_HERE_IN_THE_MIDDLE = priceOf(8, DELIVERED_IN_THE_MIDDLE);
const NOTHING = '0.000000';

const USAGES = {
  early: 'usage-early',
  late: 'ok',
  never: 'usage-absent',
  twice: 'usage-twice',
  zero: 'usage-zero',
} as const;

/** Where the caller leaves: the upstream's pause, and what the caller has seen by then. */
const POINTS = {
  'before the first byte': { options: '-w0', seen: null },
  'in the middle': { options: `-w1-a${DELIVERED_IN_THE_MIDDLE.toString()}`, seen: ' jumps' },
  'after the last content': { options: '-w2', seen: ' grey' },
  'before usage': { options: '-w3', seen: '"finish_reason":"stop"' },
} as const;

type Rule = 'estimate' | 'drain' | 'free';
type Usage = keyof typeof USAGES;
type Point = keyof typeof POINTS;

const CELLS = (Object.keys(POINTS) as Point[]).flatMap((point) =>
  (Object.keys(USAGES) as Usage[]).map((usage): [Point, Usage] => [point, usage]),
);

let world: World;
beforeAll(async () => {
  world = await World.create();
}, 60_000);
afterAll(async () => {
  expect(await auditDatabase(world.database.url)).toEqual([]);
  await world.destroy();
});

function priceOf(inputTokens: number, outputTokens: number): string {
  return ((inputTokens * 200 + outputTokens * 900) / 1_000_000).toFixed(6);
}

/** What the rule says. */
function expected(rule: Rule, point: Point, usage: Usage): Partial<UsageView> {
  if (rule === 'free' || (rule === 'estimate' && point === 'before the first byte')) {
    return { status: 'released', credits_charged: NOTHING, credits_used: NOTHING };
  }
  if (rule === 'estimate') {
    const charged = point === 'in the middle' ? COUNTED_HERE_IN_THE_MIDDLE : COUNTED_HERE;
    return { status: 'settled', credits_charged: charged, usage_source: 'estimated' };
  }
  const isCounted = usage !== 'never' && usage !== 'zero';
  return {
    status: 'settled',
    credits_charged: isCounted ? COUNTED_BY_PROVIDER : COUNTED_HERE,
    usage_source: isCounted ? 'provider' : 'estimated',
  };
}

/** Calls, leaves at the point, and waits for the record. */
async function leave(key: TestKey, model: string, seen: string | null, stream = true): Promise<UsageView> {
  const label = unique('leaver');
  const leaving = new AbortController();
  const body = prompt(model, { stream, user: label });
  const answer = chat(world.url, body, { key: key.key, headers: { 'x-request-id': label }, signal: leaving.signal });
  if (seen === null) {
    await world.upstream.callWhen(label, () => true);
    leaving.abort();
    await expect(answer).rejects.toThrow();
  } else {
    await readUntil(await answer, seen);
    leaving.abort();
  }
  await world.upstream.callWhen(label, ({ endedAtMs, hungUpAtMs }) => endedAtMs !== null || hungUpAtMs !== null);
  return recordOf(label);
}

async function recordOf(label: string): Promise<UsageView> {
  const traced = async (): Promise<TraceView | null> => {
    const answer = await world.admin.send('GET', `/requests/${label}`);
    return answer.ok ? ((await answer.json()) as TraceView) : null;
  };
  return world.admin.settled((await pollUntil(traced, `the trace of ${label}`)).request_id);
}

describe.each(['estimate', 'drain', 'free'] as const)('a provider with the rule %s', (rule) => {
  const records = new Map<string, UsageView>();
  let key: TestKey;
  beforeAll(async () => {
    key = await world.key();
    const call = async ([point, usage]: [Point, Usage]): Promise<void> => {
      const { options, seen } = POINTS[point];
      const behaviour = `${USAGES[usage]}-n${PIECES.toString()}-p10${options}-d${PAUSE_MS.toString()}`;
      const { key: model } = await world.model({ behaviours: [behaviour], provider: { hangup_billing: rule } });
      records.set(`${point} ${usage}`, await leave(key, model, seen));
    };
    await Promise.all(CELLS.map(call));
  }, 60_000);

  it.each(CELLS)('a caller that leaves %s, usage %s', (point, usage) => {
    const record = records.get(`${point} ${usage}`);
    expect(record).toMatchObject({ ...expected(rule, point, usage), shortfall: NOTHING });
  });

  it('a caller of a plain answer that leaves before it', async () => {
    const behaviour = `ok-n${PIECES.toString()}-p10-w0-d${PAUSE_MS.toString()}`;
    const { key: model } = await world.model({ behaviours: [behaviour], provider: { hangup_billing: rule } });
    const record = await leave(key, model, null, false);
    const exact = { status: 'settled', credits_charged: COUNTED_BY_PROVIDER, usage_source: 'provider' };
    const nothing = { status: 'released', credits_charged: NOTHING };
    expect(record).toMatchObject(rule === 'drain' ? exact : nothing);
  });

  it('charges at most the freeze and what the wallet still had; the rest is the loss of the platform', async () => {
    const poor = await world.key({ credits: { standard: '1' } });
    const behaviour = `ok-n${PIECES.toString()}-p90000-w1-a5-d${PAUSE_MS.toString()}`;
    const { key: model } = await world.model({ behaviours: [behaviour], provider: { hangup_billing: rule } });
    const record = await leave(poor, model, ' jumps');
    const wallet = await world.admin.wallet(poor.accountId, 'standard');
    expect(wallet.frozen).toBe(NOTHING);
    if (rule !== 'drain') return expect(Number(record.credits_charged)).toBeLessThan(0.01);
    expect(record).toMatchObject({ credits_used: priceOf(90_000, PIECES), credits_charged: '1.000000' });
    expect(record.shortfall).toBe((Number(priceOf(90_000, PIECES)) - 1).toFixed(6));
    expect(wallet.available).toBe(NOTHING);
  });
});

it('a caller that leaves between two providers pays nothing for an answer of which nothing reached it', async () => {
  const key = await world.key();
  const { id, key: model } = await world.model({ behaviours: [] });
  const drained = await world.provider({ hangup_billing: 'drain' });
  const { id: providerId } = await world.provider({ hangup_billing: 'estimate' });
  const late = `ok-n${PIECES.toString()}-p10-w0-d${PAUSE_MS.toString()}`;
  const endpoints = `/models/${id}/endpoints`;
  await world.admin.post(endpoints, { provider_id: drained.id, upstream_model: 'status-503', priority: 1 });
  await world.admin.post(endpoints, { provider_id: providerId, upstream_model: late, priority: 2 });
  const label = unique('leaver');
  const leaving = new AbortController();
  const body = prompt(model, { stream: true, user: label });
  const answer = chat(world.url, body, { key: key.key, headers: { 'x-request-id': label }, signal: leaving.signal });
  await world.upstream.callWhen(label, (call) => call.model === late);
  leaving.abort();
  await expect(answer).rejects.toThrow();
  expect(await recordOf(label)).toMatchObject({ status: 'released', credits_charged: NOTHING });
});

describe.each([
  ['early', COUNTED_BY_PROVIDER, 'provider'],
  ['late', COUNTED_BY_PROVIDER, 'provider'],
  ['never', COUNTED_HERE, 'estimated'],
  ['twice', COUNTED_BY_PROVIDER, 'provider'],
  ['zero', COUNTED_HERE, 'estimated'],
] as const)('a caller that stays, usage %s', (usage, charged, source) => {
  it.each([true, false])('is charged as counted, streamed: %s', async (stream) => {
    const key = await world.key();
    const { key: model } = await world.model({ behaviours: [`${USAGES[usage]}-n${PIECES.toString()}-p10`] });
    const label = unique('stayer');
    const answer = await chat(world.url, prompt(model, { stream }), {
      key: key.key,
      headers: { 'x-request-id': label },
    });
    await answer.text();
    // Early and twice are ways of streaming: a plain answer has one usage.
    expect(await recordOf(label)).toMatchObject({ status: 'settled', credits_charged: charged, usage_source: source });
  });
});
