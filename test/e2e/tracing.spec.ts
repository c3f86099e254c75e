import { chat, chatStream, prompt, requestIdOf } from '../support/chat.js';
import { Collector } from '../support/collector.js';
import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

let collector: Collector;
let world: World;
beforeAll(async () => {
  collector = new Collector();
  world = await World.create({
    OTEL_EXPORTER_OTLP_ENDPOINT: await collector.start(),
    OTEL_SERVICE_NAME: 'gateway-of-the-test',
  });
}, 60_000);
afterAll(async () => {
  await world.destroy();
  collector.stop();
});

const exported = (text: string): Promise<Buffer> =>
  pollUntil(() => Promise.resolve(collector.all.includes(text) ? collector.all : null), `a span with ${text}`, 30_000);

describe('with a collector', () => {
  it("continues the caller's trace, to the provider and with a span a stage", async () => {
    const { key: model } = await world.model();
    const key = await world.key();
    const headers = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` };
    const { response } = await chatStream(world.url, prompt(model), { key: key.key, headers });
    const spans = await exported(requestIdOf(response));
    expect(spans.includes(Buffer.from(TRACE_ID, 'hex'))).toBe(true);
    for (const text of [
      'gateway-of-the-test',
      `chat ${model}`,
      'read_body',
      'freeze',
      'capture',
      'gen_ai.usage.output_tokens',
    ]) {
      expect([text, spans.includes(text)]).toEqual([text, true]);
    }
    for (const secret of [key.key, 'sk-canary', '"hi"'])
      expect([secret, spans.includes(secret)]).toEqual([secret, false]);
    const [call] = await world.upstream.calls('');
    expect(call?.headers['traceparent']).toMatch(new RegExp(`^00-${TRACE_ID}-(?!00f067aa0ba902b7)[0-9a-f]{16}-01$`));
  });

  it('traces a refused request, and begins a trace where the header is none', async () => {
    const headers = { traceparent: 'nonsense' };
    const response = await chat(world.url, prompt('no/such'), { key: (await world.key()).key, headers });
    expect(response.status).toBe(404);
    const spans = await exported(requestIdOf(response));
    expect(spans.includes('model_not_found')).toBe(true);
  });
});

it('a collector that is away costs nobody anything, and does not keep the process from ending', async () => {
  const alone = await World.create({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  try {
    const { key: model } = await alone.model();
    const { key } = await alone.key();
    expect((await chat(alone.url, prompt(model), { key })).status).toBe(200);
    const [call] = await alone.upstream.calls('');
    expect(call?.headers['traceparent']).toMatch(/^00-/);
  } finally {
    await alone.destroy();
  }
});

it('without a collector nothing is sent along', async () => {
  const plain = await World.create();
  try {
    const { key: model } = await plain.model();
    const { key } = await plain.key();
    await chat(plain.url, prompt(model), { key, headers: { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` } });
    const [call] = await plain.upstream.calls('');
    expect(call?.headers['traceparent']).toBeUndefined();
  } finally {
    await plain.destroy();
  }
});
