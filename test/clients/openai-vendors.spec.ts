import OpenAI from 'openai';
import { ADAPTERS, type BatteryAdapter } from '../support/battery/adapters.js';
import { Battery } from '../support/battery/battery.js';
import { CALLS, TOOLS } from '../support/battery/conversation.js';
import { textOf } from '../support/upstream/answer.js';

/** The published OpenAI client, unmodified, on models of every vendor and of compatible servers that would confuse it. */
let battery: Battery;
let client: OpenAI;
beforeAll(async () => {
  battery = await Battery.start();
  const { key } = battery.key;
  client = new OpenAI({ apiKey: key, baseURL: `${battery.world.url}/openai/v1`, maxRetries: 0 });
});
afterAll(() => battery.stop());

const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'What is the weather in Zürich?' }];
const tools = TOOLS as OpenAI.ChatCompletionTool[];

async function modelOf(adapter: BatteryAdapter, behaviour: string): Promise<string> {
  return (await battery.model(adapter, { name: behaviour, behaviours: [behaviour] })).key;
}

async function collectedCalls(model: string): Promise<unknown[]> {
  const completion = await client.chat.completions.stream({ model, messages, tools }).finalChatCompletion();
  const calls = completion.choices[0]?.message.tool_calls ?? [];
  return calls.map((call) =>
    call.type === 'function'
      ? { name: call.function.name, arguments: JSON.parse(call.function.arguments) as unknown }
      : call,
  );
}

describe.each(ADAPTERS)('the openai client on $name', (adapter) => {
  it('collects a stream with usage', async () => {
    const model = await modelOf(adapter, 'ok-n20-p10');
    const stream_options = { include_usage: true };
    const completion = await client.chat.completions.stream({ model, messages, stream_options }).finalChatCompletion();
    expect(completion.choices[0]).toMatchObject({ message: { content: textOf(20) }, finish_reason: 'stop' });
    expect(completion.usage).toMatchObject({ prompt_tokens: 10, completion_tokens: 20 });
  });

  it('collects two calls of functions', async () => {
    expect(await collectedCalls(await modelOf(adapter, 'tools-parallel'))).toEqual(CALLS);
  });
});

const [OPENAI] = ADAPTERS;

describe('the openai client on a compatible server', () => {
  it.each([
    'tools-no-index',
    'tools-same-index',
    'tools-no-id',
    'tools-one-id',
    'tools-object',
    'tools-repeat',
    'tools-null',
    'azure',
    'mistral',
    'ollama',
    'vllm',
  ])('collects two calls of functions by %s', async (behaviour) => {
    if (OPENAI === undefined) throw new Error('no adapter');
    expect(await collectedCalls(await modelOf(OPENAI, behaviour))).toEqual(CALLS);
  });

  it.each(['no-finish', 'deepseek', 'groq', 'openrouter', 'together', 'llamacpp'])(
    'collects a text by %s',
    async (behaviour) => {
      if (OPENAI === undefined) throw new Error('no adapter');
      const model = await modelOf(OPENAI, `${behaviour}-n9`);
      const completion = await client.chat.completions.stream({ model, messages }).finalChatCompletion();
      expect(completion.choices[0]).toMatchObject({ message: { content: textOf(9) }, finish_reason: 'stop' });
    },
  );
});
