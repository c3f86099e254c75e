import OpenAI from 'openai';
import { World, type TestKey } from '../support/world.js';
import { textOf } from '../support/upstream/answer.js';

/** The published OpenAI client, unmodified, with nothing changed but its base URL and key. */
let world: World;
let key: TestKey;
let client: OpenAI;
const models: Record<string, string> = {};

async function modelFor(behaviour: string): Promise<string> {
  models[behaviour] ??= (await world.model({ behaviours: [behaviour] })).key;
  return models[behaviour];
}

function clientWith(apiKey: string): OpenAI {
  return new OpenAI({ apiKey, baseURL: `${world.url}/openai/v1`, maxRetries: 0 });
}

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'What is the weather in Zürich?' }];
const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Current weather',
      parameters: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] },
    },
  },
];

beforeAll(async () => {
  world = await World.create();
  key = await world.key();
  client = clientWith(key.key);
});
afterAll(() => world.destroy());

describe('the openai client', () => {
  it('gets a plain answer', async () => {
    const completion = await client.chat.completions.create({ model: await modelFor('ok-n20-p10'), messages });
    expect(completion.choices[0]?.message.content).toBe(textOf(20));
    expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 });
  });

  it('reads the gateway headers and its own request id', async () => {
    const model = await modelFor('ok-n20-p10');
    const { response, request_id } = await client.chat.completions.create({ model, messages }).withResponse();
    expect(response.headers.get('x-daoe-used-model')).toBe(model);
    expect(request_id).toBe(response.headers.get('x-request-id'));
  });

  it('reads a stream to its end, with usage when it asks for it', async () => {
    const stream = await client.chat.completions.create({
      model: await modelFor('ok-n20-p10'),
      messages,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: OpenAI.CompletionUsage | null | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).toBe(textOf(20));
    expect(usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20 });
  });

  it('collects a stream with its helper', async () => {
    const runner = client.chat.completions.stream({ model: await modelFor('ok-n20-p10'), messages });
    expect((await runner.finalChatCompletion()).choices[0]?.message.content).toBe(textOf(20));
  });

  it('gets tool calls, plain and streamed', async () => {
    const model = await modelFor('tools');
    const completion = await client.chat.completions.create({ model, messages, tools });
    const [call] = completion.choices[0]?.message.tool_calls ?? [];
    expect(call).toMatchObject({ type: 'function', function: { name: 'get_weather' } });
    const runner = client.chat.completions.stream({ model, messages, tools });
    const streamed = (await runner.finalChatCompletion()).choices[0]?.message.tool_calls?.[0];
    expect(streamed).toMatchObject({ id: 'call_1', function: { name: 'get_weather' } });
    expect(JSON.parse((streamed as { function: { arguments: string } }).function.arguments)).toMatchObject({
      unit: 'celsius',
    });
  });

  it('runs a whole tool conversation', async () => {
    const completion = await client.chat.completions.create({
      model: await modelFor('ok-n5'),
      tools,
      messages: [
        ...messages,
        {
          role: 'assistant',
          tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'get_weather', arguments: '{}' } }],
        },
        { role: 'tool', tool_call_id: 'call_1', content: '12 °C' },
      ],
    });
    expect(completion.choices[0]?.message.content).toBe(textOf(5));
  });

  it('sends a JSON schema and an image', async () => {
    const seen = await client.chat.completions.create({
      model: await modelFor('echo'),
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: { type: 'object' } } },
      messages: [
        { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] },
      ],
    });
    expect(JSON.parse(seen.choices[0]?.message.content ?? '')).toMatchObject({
      model: 'echo',
      response_format: { type: 'json_schema' },
      messages: [{ content: [{ type: 'image_url' }] }],
    });
  });

  it('lists the models that the key may call', async () => {
    const model = await modelFor('ok-n20-p10');
    const listed = [];
    for await (const item of client.models.list()) listed.push(item.id);
    expect(listed).toContain(model);
  });

  it('can stop a stream in the middle', async () => {
    const stream = await client.chat.completions.create({
      model: await modelFor('stall-a9'),
      messages,
      stream: true,
    });
    let pieces = 0;
    for await (const chunk of stream) {
      pieces += chunk.choices.length;
      if (pieces === 4) break;
    }
    expect(pieces).toBe(4);
  });

  it('maps every status to its error class', async () => {
    const withoutKey = client.withOptions({ defaultHeaders: { Authorization: null } });
    const refusals: [Promise<unknown>, new (...args: never[]) => Error, number][] = [
      [client.chat.completions.create({ model: 'auto', messages: [] }), OpenAI.BadRequestError, 400],
      [withoutKey.chat.completions.create({ model: 'auto', messages }), OpenAI.AuthenticationError, 401],
      [clientWith('jt_wrong').chat.completions.create({ model: 'auto', messages }), OpenAI.PermissionDeniedError, 403],
      [client.chat.completions.create({ model: 'no/such', messages }), OpenAI.NotFoundError, 404],
      [
        client.chat.completions.create({ model: await modelFor('status-500'), messages }),
        OpenAI.InternalServerError,
        502,
      ],
    ];
    for (const [call, expected, status] of refusals) {
      const error = await call.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(expected);
      expect(error).toMatchObject({ status });
    }
    const limited = clientWith((await world.key({ fields: { limit_rpm: 0 } })).key);
    const model = await modelFor('ok-n5');
    await expect(limited.chat.completions.create({ model, messages })).rejects.toBeInstanceOf(OpenAI.RateLimitError);
    const poor = clientWith((await world.key({ credits: {} })).key);
    await expect(poor.chat.completions.create({ model, messages })).rejects.toMatchObject({
      status: 402,
      type: 'insufficient_quota',
    });
  });

  it('throws on a stream that breaks, instead of ending quietly', async () => {
    const stream = await client.chat.completions.create({ model: await modelFor('cut-a5'), messages, stream: true });
    let text = '';
    const reading = (async (): Promise<void> => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    })();
    await expect(reading).rejects.toThrow(OpenAI.APIError);
    expect(text).toBe(textOf(5));
  });
});
