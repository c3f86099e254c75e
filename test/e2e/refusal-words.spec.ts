import { chat, errorOf, prompt } from '../support/chat.js';
import { World, type TestModel } from '../support/world.js';

/** A refusal names what is wrong, and where. */
let world: World;
let model: TestModel;
beforeAll(async () => {
  world = await World.create();
  model = await world.model();
});
afterAll(() => world.destroy());

describe('a quota that has something left', () => {
  it('is not used up: the refusal says what is left, what is needed, and what would fit', async () => {
    const { key } = await world.key({ fields: { limit_daily: '0.020000' } });
    const error = await errorOf(await chat(world.url, prompt(model.key, { max_tokens: 1000 }), { key }));
    expect(error).toMatchObject({ status: 402, type: 'insufficient_quota', code: 'daily_quota_exceeded' });
    expect(error.message).toMatch(/daily quota of the API key has 0\.020000 credits left, and this request needs \d/);
    expect(error.hint).toMatch(/^Send max_tokens up to \d+, or wait until 00:00 UTC/);
  });
});

describe('what is wrong inside of a list', () => {
  it.each([
    [{ messages: [{ role: 'user', content: [{ text: 'x' }] }] }, 'messages[0].content[0].type', 'must be a string'],
    [
      { tools: [{ type: 'function', function: { name: 'f' } }, { type: 'web_search' }] },
      'tools[1].type',
      "'web_search'",
    ],
  ])('is named with its place: %j', async (changes, param, said) => {
    const { key } = await world.key();
    const error = await errorOf(await chat(world.url, { ...prompt(model.key), ...changes }, { key }));
    expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', param });
    expect(error.message).toContain(said);
  });
});

describe('auto without a candidate', () => {
  it('is told that the sandbox left the tier, and which way is out', async () => {
    const sandbox = await world.model({ tier: 'premium', provider: { adapter: 'sandbox', base_url: 'sandbox:' } });
    const { key } = await world.key();
    const error = await errorOf(await chat(world.url, prompt('auto', { tier: 'premium' }), { key }));
    expect(error).toMatchObject({ status: 502, code: 'no_candidate' });
    expect(error.hint).toContain('Tier premium has no enabled model but the sandbox');
    await world.admin.patch(`/models/${sandbox.id}`, { enabled: false });
    const none = await errorOf(await chat(world.url, prompt('auto', { tier: 'premium' }), { key }));
    expect(none.hint).toContain('Tier premium has no enabled model: allow another tier');
  });
});
