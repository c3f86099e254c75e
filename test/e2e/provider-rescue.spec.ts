import { chat, chatStream, prompt, requestIdOf } from '../support/chat.js';
import { textOf } from '../support/upstream/answer.js';
import { World, type ModelOptions, type TestKey } from '../support/world.js';

/** What a caller sees, and pays, when endpoints fail before and after the first content. */
let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
});
afterAll(() => world.destroy());

const streamed = async (options: ModelOptions, more: Record<string, unknown> = {}) => {
  const model = await world.model({ stallMs: 400, ...options });
  const answer = await chatStream(world.url, prompt(model.key, more), { key: key.key });
  const usage = await world.admin.settled(requestIdOf(answer.response));
  return { model, answer, usage };
};

/** 30 prompt tokens at 200 and 20 output tokens at 900 credits a million. */
const PRICE_OF_ONE_ANSWER = '0.024000';

describe('before the first content', () => {
  it.each([false, true])('another endpoint answers, and the header says why (stream: %s)', async (stream) => {
    const model = await world.model({ behaviours: ['status-503', 'status-401', 'ok-n20-p30'] });
    const response = await chat(world.url, prompt(model.key, { stream }), { key: key.key });
    expect(response.status).toBe(200);
    await response.text();
    const [first, second, third] = model.providers;
    expect(response.headers.get('x-daoe-used-provider')).toBe(third);
    const failover = (response.headers.get('x-daoe-failover') ?? '').split(',').map((pair) => pair.trim());
    expect(failover).toEqual([`${String(first)}=http_503`, `${String(second)}=http_401`]);
    const usage = await world.admin.settled(requestIdOf(response));
    expect(usage).toMatchObject({ credits_used: PRICE_OF_ONE_ANSWER, provider: third, status: 'settled' });
  });
});

describe('after the first content', () => {
  it.each(['cut-a5', 'eof-a5', 'stall-a5', 'broken-chunk-a5', 'error-in-stream-a5'])(
    '%s is rescued by a fresh answer: no seam, one bill',
    async (behaviour) => {
      const { model, answer, usage } = await streamed({ behaviours: [`${behaviour}-p30`, 'ok-n20-p30'] });
      expect(answer).toMatchObject({ text: textOf(20), done: true, error: undefined });
      expect(answer.metadata?.routing.rescued).toMatchObject({
        from: model.providers[0],
        to: model.providers[1],
        after_chars: textOf(5).length,
      });
      expect(usage).toMatchObject({ credits_used: PRICE_OF_ONE_ANSWER, usage_source: 'provider', status: 'settled' });
    },
  );

  it('is rescued by prefill where the endpoint declares it', async () => {
    const { answer, usage } = await streamed({
      behaviours: ['cut-a5-p30', 'prefill-n20-p34'],
      endpoint: { supports_prefill: true },
    });
    expect(answer).toMatchObject({ text: textOf(20), done: true });
    // 34 prompt tokens there, 5 of them the delivered text: what is left is the prompt, and the text is output.
    expect([usage.input_tokens, usage.output_tokens]).toEqual([29, 20]);
  });

  it.each(['cut-a5', 'stall-a5'])('%s ends as an honest error where nobody can go on', async (behaviour) => {
    const { answer, usage } = await streamed({ behaviours: [`${behaviour}-p30`, 'other'] });
    expect(answer.text).toBe(textOf(5));
    expect(answer.done).toBe(false);
    expect(answer.error).toMatchObject({ type: 'upstream_error' });
    expect(answer.metadata).toBeUndefined();
    // What was delivered is paid, by the gateway's own count.
    expect(usage).toMatchObject({ usage_source: 'estimated', output_tokens: 5, status: 'settled' });
  });
});

describe('the sandbox behind the same door', () => {
  it('answers, streams and is billed like any provider', async () => {
    const provider = await world.provider({ adapter: 'sandbox', base_url: 'sandbox:', api_key: null });
    const model = await world.model({ behaviours: [] });
    await world.admin.post(`/models/${model.id}/endpoints`, { provider_id: provider.id, upstream_model: 'sandbox' });
    const body = prompt(model.key, { messages: [{ role: 'user', content: '[sandbox:delay=1] Tell me.' }] });
    const answer = await chatStream(world.url, body, { key: key.key });
    expect(answer.done).toBe(true);
    expect(answer.text).toContain('sandbox');
    expect(answer.text).toContain('Tell me.');
    const usage = await world.admin.settled(requestIdOf(answer.response));
    expect(usage).toMatchObject({ usage_source: 'provider', status: 'settled' });
    expect(usage.output_tokens).toBeGreaterThan(10);
  });
});
