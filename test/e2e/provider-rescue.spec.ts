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

/** USD a million tokens. */
const RATES = { input_usd_mtok: '100', output_usd_mtok: '1000' };
const costOf = (input: number, output: number): string => ((input * 100 + output * 1000) / 1e6).toFixed(6);
const BEHAVIOURS = ['cut-a5-p30', 'ok-n20-p40'];
const ASKED = { stream_options: { include_usage: true } };

interface SeenAttempt {
  provider: string;
  reason: string | null;
  error_class: string | null;
  input_tokens?: number;
  output_tokens?: number;
  provider_cost_usd?: string;
}

async function attemptsOf(response: Response): Promise<SeenAttempt[]> {
  const { stages } = await world.admin.trace(requestIdOf(response));
  return (stages.find(({ stage }) => stage === 'provider')?.['attempts'] ?? []) as SeenAttempt[];
}

async function statementOf(provider: string, line: string): Promise<unknown> {
  const { data } = await world.admin.get<{ data: { id: string; name: string }[] }>('/providers?limit=100');
  const id = data.find(({ name }) => name === provider)?.id ?? '';
  return world.admin.post(`/providers/${id}/statements`, { csv: `date,model,requests,cost_usd\n${line}\n` });
}

describe('what a rescued stream says and costs', () => {
  it.each<[string, ModelOptions, [input: number, output: number]]>([
    ['a fresh answer', { behaviours: ['cut-a5-p30', 'ok-n20-p40'], endpoint: RATES }, [40, 20]],
    [
      'prefill',
      { behaviours: ['cut-a5-p30', 'prefill-n20-p45'], endpoint: { ...RATES, supports_prefill: true } },
      [45, 15],
    ],
  ])('after %s: usage is what is billed, and every provider is paid for its part', async (_how, options, served) => {
    const { model, answer, usage } = await streamed(options, ASKED);
    const told = answer.chunks.flatMap((chunk) =>
      chunk.usage === undefined || chunk.usage === null ? [] : [chunk.usage],
    );
    expect(told).toEqual([
      expect.objectContaining({
        prompt_tokens: usage.input_tokens,
        completion_tokens: usage.output_tokens,
        total_tokens: usage.input_tokens + usage.output_tokens,
      }),
    ]);
    expect(answer.metadata?.billing).toMatchObject({
      input_tokens: usage.input_tokens,
      output_tokens: usage.output_tokens,
    });
    expect(usage.output_tokens).toBe(20);
    const attempts = await attemptsOf(answer.response);
    const [first, second] = attempts;
    expect(first).toMatchObject({ provider: model.providers[0], reason: 'cut', output_tokens: 5 });
    expect(first?.provider_cost_usd).toBe(costOf(Number(first?.input_tokens), 5));
    expect(second).toMatchObject({ provider: model.providers[1], error_class: null });
    const both = Number(first?.provider_cost_usd) + Number(costOf(...served));
    expect(usage.provider_cost_usd).toBe(both.toFixed(6));
  });

  it('without usage at its end is counted by the gateway, and says so everywhere', async () => {
    const { answer, usage } = await streamed({ behaviours: ['cut-a5-p30', 'usage-absent-n20'] }, ASKED);
    expect(usage).toMatchObject({ usage_source: 'estimated', output_tokens: 20 });
    expect(answer.chunks.filter((chunk) => chunk.usage?.completion_tokens === 20)).toHaveLength(1);
  });

  it('an answer that did not begin as the delivered one has its price, too', async () => {
    const { answer, usage } = await streamed({
      behaviours: ['cut-a5-p30', 'other-n20', 'ok-n20-p40'],
      endpoint: RATES,
    });
    const [first, second] = await attemptsOf(answer.response);
    expect(second).toMatchObject({ reason: 'rescue_mismatch' });
    expect(Number(second?.provider_cost_usd)).toBeGreaterThan(0);
    const all = Number(first?.provider_cost_usd) + Number(second?.provider_cost_usd) + Number(costOf(40, 20));
    expect(usage.provider_cost_usd).toBe(all.toFixed(6));
  });

  it('is on the statement of the provider that broke, not on that of the one that served', async () => {
    const { model, answer, usage } = await streamed({ behaviours: BEHAVIOURS, endpoint: RATES });
    const [first] = await attemptsOf(answer.response);
    const costs = [first?.provider_cost_usd ?? '', costOf(40, 20)];
    for (const [at, name] of model.providers.entries()) {
      const line = [usage.created_at.slice(0, 10), BEHAVIOURS[at], 1, costs[at]].join(',');
      expect(await statementOf(name, line)).toMatchObject({ ok: true, differences: [] });
    }
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
