import { chat, chatStream, prompt, requestIdOf } from '../support/chat.js';
import { Collector } from '../support/collector.js';
import { everyRow } from '../support/every-row.js';
import { ADMIN_TOKEN } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { answering, Receiver } from '../support/receiver.js';
import { unique, World, type TestKey } from '../support/world.js';

/** What a caller says, in places where a gateway might repeat it; its beginning is looked for, because errors quote a few characters. */
const SPOKEN = 'jabberwocky-7f3a';
const SPOKEN_START = SPOKEN.slice(0, 7);
/** What upstreams make of it: answers, answers that repeat it, errors that repeat it, streams that break. */
const BEHAVIOURS = [
  'ok',
  'echo',
  'quote-400',
  'quote-422',
  'quote-401',
  'quote-500',
  'error-in-stream-a2',
  'cut-a2',
  'tools',
];

interface Created {
  id: string;
  token: string;
  secret: string;
  key: string;
}

let collector: Collector;
let receiver: Receiver;
let world: World;
/** Answers of the administration, and those that are errors: what may never repeat a secret. */
const told: string[] = [];

beforeAll(async () => {
  collector = new Collector();
  receiver = await Receiver.start();
  world = await World.create({ LOG_LEVEL: 'trace', OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start() });
});
afterAll(async () => {
  await world.destroy();
  await receiver.stop();
  collector.stop();
});

async function tell(response: Response): Promise<string> {
  const text = await response.text();
  told.push(text, JSON.stringify([...response.headers]));
  return text;
}

/** Calls that end in every way. @returns their request ids. */
async function speak(caller: TestKey): Promise<string[]> {
  const ids: string[] = [];
  const said = {
    user: SPOKEN,
    messages: [
      { role: 'system', content: `${SPOKEN} 1` },
      { role: 'user', content: `${SPOKEN} 2` },
    ],
  };
  for (const behaviour of BEHAVIOURS) {
    const { key: model } = await world.model({ behaviours: [behaviour] });
    ids.push(requestIdOf(await chat(world.url, prompt(model, said), { key: caller.key })));
    ids.push(requestIdOf((await chatStream(world.url, prompt(model, said), { key: caller.key })).response));
  }
  const { key: model } = await world.model();
  const bodies = [
    { messages: [{ role: SPOKEN, content: 1 }] },
    { ...said, temperature: SPOKEN },
    { ...said, tools: [{ type: SPOKEN }] },
    { ...said, max_tokens: -1 },
  ];
  for (const body of bodies) ids.push(requestIdOf(await chat(world.url, prompt(model, body), { key: caller.key })));
  const nonsense = `{"messages": ${SPOKEN}}`;
  const broken = `{"model":"${model}","messages":[{"role":"user","content":"${SPOKEN}`;
  const headers = { authorization: `Bearer ${caller.key}`, 'x-api-key': caller.key };
  for (const body of [broken, nonsense]) {
    ids.push(requestIdOf(await fetch(`${world.url}/openai/v1/chat/completions`, { method: 'POST', headers, body })));
  }
  return ids;
}

/** Credentials where they do not belong, and where they no longer pass. */
async function misplace(caller: TestKey, operator: Created): Promise<void> {
  const places: [string, Record<string, string>][] = [
    [`/openai/v1/models?key=${caller.key}`, {}],
    [`/openai/v1/${caller.key}`, {}],
    [`/openai/v1/models`, { authorization: `Basic ${caller.key}` }],
    [`/admin/v1/accounts?token=${operator.token}`, { authorization: `Bearer ${operator.token}` }],
    [`/admin/v1/accounts`, { authorization: `Bearer ${caller.key}` }],
    [`/openai/v1/models`, { authorization: `Bearer ${operator.token}` }],
    [`/metrics`, { authorization: `Bearer ${caller.key}` }],
  ];
  for (const [path, headers] of places) await fetch(`${world.url}${path}`, { headers });
  await tell(await world.admin.send('POST', `/api-keys/${caller.id}/rotate`, {}).then(withoutBody));
  await fetch(`${world.url}/openai/v1/models`, { headers: { authorization: `Bearer ${caller.key}` } });
  await world.admin.post(`/admin-tokens/${operator.id}/revoke`, {});
  await fetch(`${world.url}/admin/v1/accounts`, { headers: { authorization: `Bearer ${operator.token}` } });
}

/** The answers that show a new secret are the only ones that may. */
const withoutBody = (response: Response): Response => new Response('', { headers: response.headers });

it('no key, token, webhook secret or word of a prompt is in a log, metric, span, event, message, audit row, explanation or table', async () => {
  const caller = await world.key();
  const operator = await world.admin.post<Created>('/admin-tokens', { name: unique('operator'), role: 'operator' });
  const webhook = await world.admin.post<Created>('/webhooks', { url: receiver.url });
  receiver.answer = answering(500);
  await tell(await world.admin.send('POST', `/webhooks/${webhook.id}/test`));
  const rotated = await world.admin.post<Created>(`/webhooks/${webhook.id}/rotate-secret`, {});
  const ids = await speak(caller);
  await misplace(caller, operator);
  const last = ids.at(-1) ?? '';
  await pollUntil(() => Promise.resolve(collector.all.includes(last) ? true : null), 'the last span');
  await receiver.messages(2);
  for (const id of ids) await tell(await world.admin.send('GET', `/requests/${id}`));
  const lists = [
    '/events',
    '/webhooks',
    '/audit-log?limit=200',
    '/requests?limit=100',
    '/usage',
    '/api-keys',
    '/admin-tokens',
  ];
  for (const path of lists) await tell(await world.admin.send('GET', path));
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
  for (const path of ['/metrics', '/health']) await tell(await fetch(`${world.url}${path}`, { headers }));

  const places = {
    administration: told.join('\n'),
    log: world.gateway.printed(),
    tables: await everyRow(world.database.url),
    spans: collector.all.toString('latin1'),
    messages: receiver.received.map((message) => JSON.stringify(message)).join('\n'),
  };
  // The test would find them: what belongs there is there.
  expect(places.administration).toContain('"reason":"rotated"');
  expect(places.tables).toContain('webhook.create');
  expect(places.spans).toContain('gen_ai');
  expect(places.messages).toContain('webhook-signature');
  const secrets = { key: caller.key, operator: operator.token, owner: ADMIN_TOKEN, spoken: SPOKEN_START };
  const webhookSecrets = {
    first: webhook.secret.slice('whsec_'.length),
    second: rotated.secret.slice('whsec_'.length),
  };
  const found = Object.entries(places).flatMap(([place, text]) =>
    Object.entries({ ...secrets, ...webhookSecrets })
      .filter(([, secret]) => text.includes(secret))
      .map(([name, secret]) => [
        place,
        name,
        text.slice(Math.max(0, text.indexOf(secret) - 300), text.indexOf(secret) + 80),
      ]),
  );
  expect(found).toEqual([]);
});
