import { JSON_ANSWER, TOOL_CALLS } from '../upstream/answer.js';

export const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

export const TOOLS = [
  {
    type: 'function',
    function: {
      name: 'get_weather',
      description: 'Weather of a city, “now”',
      parameters: {
        type: 'object',
        properties: {
          city: { type: 'string', description: 'Name of the city' },
          unit: { type: 'string', enum: ['celsius', 'kelvin'] },
          days: { type: 'array', items: { type: 'integer' } },
        },
        required: ['city'],
      },
    },
  },
  {
    type: 'function',
    function: {
      name: 'get_time',
      description: 'Time of a zone',
      parameters: { type: 'object', properties: { zone: { type: 'string' } }, required: ['zone'] },
    },
  },
];

export const CALLS = TOOL_CALLS.map(({ name, arguments: text }) => ({ name, arguments: JSON.parse(text) as unknown }));

export const JSON_SCHEMA = {
  type: 'json_schema',
  json_schema: {
    name: 'report',
    strict: true,
    schema: {
      type: 'object',
      properties: {
        city: { type: 'string' },
        days: { type: 'array', items: { type: 'integer' } },
        dry: { type: 'boolean' },
      },
      required: ['city', 'days', 'dry'],
      additionalProperties: false,
    },
  },
};

export { JSON_ANSWER };

/** A talk with everything that a vendor must be told. */
export const LONG_TALK = {
  messages: [
    { role: 'system', content: 'Speak like a sailor — always.' },
    { role: 'developer', content: [{ type: 'text', text: 'Never mention whales.' }] },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'What is in the picture?' },
        { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
        { type: 'text', text: 'And how is the weather in Zürich?' },
      ],
    },
    {
      role: 'assistant',
      content: 'Aye, I shall look.',
      tool_calls: TOOL_CALLS.map(({ id, name, arguments: text }) => ({
        id,
        type: 'function',
        function: { name, arguments: text },
      })),
    },
    { role: 'tool', tool_call_id: 'call_1', content: '{"degrees":12,"sky":"grey as a herring"}' },
    { role: 'tool', tool_call_id: 'call_2', content: 'half past four' },
    { role: 'user', content: 'Thanks. Anything else?' },
  ],
  tools: TOOLS,
  tool_choice: 'auto',
  stop: ['Land ho'],
  temperature: 0.25,
  top_p: 0.5,
  max_tokens: 123,
};

/** What the upstream must have received of it, whatever it calls the fields. */
export const LONG_TALK_RECEIVED = [
  'Speak like a sailor — always.',
  'Never mention whales.',
  'What is in the picture?',
  PIXEL,
  'And how is the weather in Zürich?',
  'Aye, I shall look.',
  'get_weather',
  'Weather of a city, “now”',
  'Name of the city',
  'kelvin',
  'old town',
  'grey as a herring',
  'half past four',
  'Thanks. Anything else?',
  'get_time',
  'Europe/Zurich',
  'Land ho',
  '0.25',
  '123',
];
