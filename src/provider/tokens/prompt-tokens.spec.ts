import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import type { JsonRecord } from '../domain/json.js';
import { countPromptTokens } from './prompt-tokens.js';
import { TokenCounter } from './token-counter.js';

/*
 * Counts that others have published of what the API itself answered as `usage.prompt_tokens`:
 *
 * - OpenAI's cookbook, "How to count tokens with tiktoken", in its version of commit c81359c of openai/openai-cookbook:
 *   https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken
 * - the fixtures of https://github.com/pamelafox/openai-messages-token-helper (tests/messages.py for gpt-4o, tests/functions.py
 *   for GPT-4), which its scripts compare with the API
 * - the first example of https://platform.openai.com/docs/api-reference/chat/create
 */

const counter = new TokenCounter();
const o200k = (text: string): number => counter.count(text);
const cl100k = (text: string): number => countCl100k(text);

const message = (role: string, content: string, name?: string): JsonRecord =>
  name === undefined ? { role, content } : { role, content, name };

const JARGON = [
  message(
    'system',
    'You are a helpful, pattern-following assistant that translates corporate jargon into plain English.',
  ),
  message('system', 'New synergies will help drive top-line growth.', 'example_user'),
  message('system', 'Things working well together will increase revenue.', 'example_assistant'),
  message(
    'system',
    "Let's circle back when we have more bandwidth to touch base on opportunities for increased leverage.",
    'example_user',
  ),
  message('system', "Let's talk later when we're less busy about how to do better.", 'example_assistant'),
  message('user', "This late pivot means we don't have time to boil the ocean for the client deliverable."),
];

const WEATHER = [
  message('system', 'You are a helpful assistant that can answer to questions about the weather.'),
  message('user', "What's the weather like in San Francisco?"),
];

function tool(name: string, description: string, properties?: JsonRecord, required: string[] = []): JsonRecord {
  const parameters = properties === undefined ? {} : { parameters: { type: 'object', properties, required } };
  return { type: 'function', function: { name, description, ...parameters } };
}

const WEATHER_TOOL = tool(
  'get_current_weather',
  'Get the current weather in a given location',
  {
    location: { type: 'string', description: 'The city and state, e.g. San Francisco, CA' },
    unit: { type: 'string', description: 'The unit of temperature to return', enum: ['celsius', 'fahrenheit'] },
  },
  ['location'],
);

const REVIEW =
  "During the performance review at Contoso Electronics, the supervisor will discuss the employee's performance over the past year and provide feedback on areas for improvement. They will also provide an opportunity for the employee to discuss their goals and objectives for the upcoming year. The review is a two-way dialogue between managers and employees, and employees will receive a written summary of their performance review which will include a rating of their performance, feedback, and goals and objectives for the upcoming year [employee_handbook-3.pdf].";
const REVIEW_SHORT =
  "The supervisor will discuss the employee's performance and provide feedback on areas for improvement. They will also provide an opportunity for the employee to discuss their goals and objectives for the upcoming year. The review is a two-way dialogue between managers and employees, and employees will receive a written summary of their performance review which will include a rating of their performance, feedback, and goals for the upcoming year [employee_handbook-3.pdf].";

/** What gpt-4o and gpt-4o-mini were charged for. */
const GPT_4O: [number, JsonRecord][] = [
  [124, { messages: JARGON }],
  [101, { messages: WEATHER, tools: [WEATHER_TOOL] }],
  [19, { messages: [message('developer', 'You are a helpful assistant.'), message('user', 'Hello!')] }],
  [24, { messages: JARGON.slice(0, 1) }],
  [20, { messages: JARGON.slice(1, 2) }],
  [12, { messages: [message('system', 'You are a bot.')] }],
  [
    31,
    {
      messages: [
        message(
          'system',
          'Assistant helps the company employees with their healthcare plan questions, and questions about the employee handbook. Be brief in your answers.',
        ),
      ],
    },
  ],
  [8, { messages: [message('system', 'á')] }],
  [13, { messages: [message('user', 'Hello, how are you?')] }],
  [14, { messages: [message('user', 'What happens in a performance review?')] }],
  [106, { messages: [message('assistant', REVIEW)] }],
  [91, { messages: [message('assistant', REVIEW_SHORT)] }],
  [13, { messages: [message('user', 'Is there a dress code?')] }],
  [
    30,
    {
      messages: [
        message(
          'assistant',
          'Yes, there is a dress code at Contoso Electronics. Look sharp! [employee_handbook-1.pdf]',
        ),
      ],
    },
  ],
  [14, { messages: [message('user', 'What does a Product Manager do?')] }],
];

const BOT = { messages: [message('system', 'You are a bot.')] };
const SEARCH = ['search_sources', 'Retrieve sources from the Azure AI Search index'] as const;
const QUERY = {
  type: 'string',
  description: "Query string to retrieve documents from azure search eg: 'Health care plan'",
};
const DEMONSTRATION = ['data_demonstration', 'This is the main function description'] as const;
const INNER = { type: 'object', description: 'The object data type as a property' };

/** What GPT-4 was charged for, whose tokenizer is another one: the form of the prompt is what is compared. */
const GPT_4: [number, JsonRecord][] = [
  [129, { messages: JARGON }],
  [105, { messages: WEATHER, tools: [WEATHER_TOOL] }],
  [66, { ...BOT, tools: [tool(...SEARCH, { search_query: QUERY }, ['search_query'])], tool_choice: 'auto' }],
  [67, { ...BOT, tools: [tool(...SEARCH, { search_query: QUERY }, ['search_query'])], tool_choice: 'none' }],
  [
    75,
    {
      ...BOT,
      tools: [tool(...SEARCH, { search_query: QUERY }, ['search_query'])],
      tool_choice: { type: 'function', function: { name: 'search_sources' } },
    },
  ],
  [42, { ...BOT, tools: [tool(...SEARCH)] }],
  [49, { ...BOT, tools: [tool(...SEARCH, { search_query: { type: 'string' } })] }],
  [
    54,
    {
      ...BOT,
      tools: [tool(...DEMONSTRATION, { integer_enum: { type: 'integer', enum: [-1, 1] } })],
      tool_choice: 'none',
    },
  ],
  [
    65,
    {
      ...BOT,
      tools: [
        tool(...DEMONSTRATION, { object_1: { ...INNER, properties: { string1: { type: 'string' } } } }, ['object_1']),
      ],
      tool_choice: 'none',
    },
  ],
  [
    73,
    {
      ...BOT,
      tools: [
        tool(
          ...DEMONSTRATION,
          { object_1: { ...INNER, properties: { string_2a: { type: 'string', enum: ['Happy', 'Sad'] } } } },
          ['object_1'],
        ),
      ],
      tool_choice: 'none',
    },
  ],
  [
    59,
    {
      ...BOT,
      tools: [
        tool(
          'get_coordinates',
          'Get the latitude and longitude of multiple mailing addresses',
          {
            addresses: { type: 'array', description: 'The mailing addresses to be located', items: { type: 'string' } },
          },
          ['addresses'],
        ),
      ],
      tool_choice: 'none',
    },
  ],
];

const within3Percent = (counted: number, published: number): boolean =>
  Math.abs(counted - published) <= published * 0.03;

describe('the tokens of a prompt', () => {
  it.each(GPT_4O)('are the %i that gpt-4o counted', (published, body) => {
    expect(countPromptTokens(body, o200k)).toBe(published);
  });

  it.each(GPT_4)('are within 3 percent of the %i that GPT-4 counted', (published, body) => {
    const counted = countPromptTokens(body, cl100k);
    expect([counted, within3Percent(counted, published)]).toEqual([counted, true]);
  });

  it('are counted for a picture by its detail, whatever its data', () => {
    const part = (detail: string) => ({ type: 'image_url', image_url: { url: `data:${'A'.repeat(99_999)}`, detail } });
    const tokens = (...content: unknown[]) => countPromptTokens({ messages: [{ role: 'user', content }] }, o200k);
    expect(tokens(part('low')) - tokens()).toBe(85);
    expect(tokens(part('high')) - tokens()).toBe(1_000);
  });

  it('are counted for calls, legacy functions, other tools and schemas of answers', () => {
    const plain = countPromptTokens(BOT, o200k);
    const more = (fields: JsonRecord) => countPromptTokens({ ...BOT, ...fields }, o200k) - plain;
    const declared = WEATHER_TOOL['function'];
    expect(more({ functions: [declared] })).toBe(more({ tools: [WEATHER_TOOL] }));
    expect(
      more({ tools: [{ type: 'custom', custom: { name: 'grammar', description: 'anything at all' } }] }),
    ).toBeGreaterThan(5);
    const schema = {
      type: 'json_schema',
      json_schema: { name: 'x', schema: { type: 'object', properties: { a: {} } } },
    };
    expect(more({ response_format: schema })).toBeGreaterThan(10);
    const call = { function: { name: 'get_current_weather', arguments: '{"location":"Paris"}' } };
    const calls = countPromptTokens({ messages: [...BOT.messages, { role: 'assistant', tool_calls: [call] }] }, o200k);
    expect(calls - plain).toBeGreaterThan(12);
  });

  it('are counted of anything that came through the schema, however deep', () => {
    let deep: JsonRecord = { type: 'string' };
    for (let level = 0; level < 1_000; level += 1) deep = { type: 'object', properties: { deep }, anyOf: null };
    const odd = [
      null,
      1,
      {},
      { function: null },
      { function: { name: 7, parameters: { properties: { a: 1, deep } } } },
    ];
    expect(countPromptTokens({ messages: [null, {}, { content: [null, 1, {}] }], tools: odd }, o200k)).toBeGreaterThan(
      0,
    );
  });
});

describe('the tokens of a text', () => {
  it.each([
    ['tiktoken is great!', 6],
    ['antidisestablishmentarianism', 6],
    ['2 + 2 = 4', 7],
    ['お誕生日おめでとう', 8],
  ])("%s are as many as the cookbook shows for gpt-4o's encoding", (text, published) => {
    expect(counter.count(text)).toBe(published);
  });
});
