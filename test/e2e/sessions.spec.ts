import { Client } from 'pg';
import { chat, type Completion } from '../support/chat.js';
import type { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { unique, World, type TestModel } from '../support/world.js';

/** A session of `auto` keeps its model in every process, also where a new session would get another one. */
const HARD =
  'Statement 1 | Every subgroup of an abelian group is normal. Statement 2 | Every finite integral domain is a field.';
const EASY = 'What is the name of the first president of the United States?';

let world: World;
let other: GatewayProcess;
let sql: Client;
let key: string;
let weak: TestModel;
let strong: TestModel;

beforeAll(async () => {
  world = await World.create();
  sql = new Client({ connectionString: world.database.url });
  [other] = await Promise.all([world.startAnother(), sql.connect()]);
  ({ key } = await world.key());
  weak = await world.model({ fields: { mci_score: 52 } });
  const dearer = { customer_input_mtok: '1200', customer_output_mtok: '5400' };
  strong = await world.model({ fields: { mci_score: 88, ...dearer } });
  await world.caughtUp(other);
});
afterAll(async () => {
  await sql.end();
  await other.stop();
  await world.destroy();
});

async function chosen(url: string, user: string, content: string, model = 'auto'): Promise<string> {
  const body = { model, user, max_tokens: 100, messages: [{ role: 'user', content }] };
  const response = await chat(url, body, { key });
  expect(response.status).toBe(200);
  return ((await response.json()) as Completion).metadata.model;
}

/** Waits until so many sessions are in the table. */
async function shared(sessions: number): Promise<void> {
  const count = async (): Promise<true | null> => {
    const { rows } = await sql.query<{ count: string }>('select count(*) from routing_session');
    return Number(rows[0]?.count) >= sessions ? true : null;
  };
  await pollUntil(count, 'sessions to be shared');
}

it('goes on in another process with the model that it has, and only there and then', async () => {
  const users = Array.from({ length: 5 }, () => unique('user'));
  for (const user of users) expect(await chosen(world.url, user, HARD)).toBe(strong.key);
  await shared(users.length);
  await world.caughtUp(other);
  for (const user of users) expect(await chosen(other.url, user, EASY)).toBe(strong.key);
  expect(await chosen(other.url, unique('user'), EASY)).toBe(weak.key);
  expect(await chosen(other.url, users[0] ?? '', EASY, 'auto:0.5')).toBe(weak.key);
});

it('moves everywhere once it has moved, and outlives the processes that served it', async () => {
  const user = unique('user');
  expect(await chosen(world.url, user, EASY)).toBe(weak.key);
  await world.admin.patch(`/models/${weak.id}`, { enabled: false });
  expect(await chosen(world.url, user, EASY)).toBe(strong.key);
  await world.admin.patch(`/models/${weak.id}`, { enabled: true });
  await world.gateway.stop();
  await world.restart();
  expect(await chosen(world.url, user, EASY)).toBe(strong.key);
  await world.caughtUp(other);
  expect(await chosen(other.url, user, EASY)).toBe(strong.key);
});

it('two processes that begin the same sessions at once agree soon, and fail nobody', async () => {
  const users = Array.from({ length: 30 }, () => unique('user'));
  await Promise.all(users.flatMap((user) => [chosen(world.url, user, HARD), chosen(other.url, user, EASY)]));
  const agreed = async (): Promise<true | null> => {
    const both = await Promise.all(
      users.map((user) => Promise.all([world.url, other.url].map((url) => chosen(url, user, EASY)))),
    );
    return both.every(([here, there]) => here === there) ? true : null;
  };
  await pollUntil(agreed, 'both processes to agree on every session');
  for (const gateway of [world.gateway, other]) {
    expect(gateway.printed()).not.toContain('could not be shared');
  }
});

it('keeps nothing of what callers wrote', async () => {
  const { rows } = await sql.query<{ session: string }>('select session from routing_session');
  expect(rows.length).toBeGreaterThan(0);
  for (const { session } of rows) expect(session).toMatch(/^[\w-]{43}$/);
});
