import type { BatteryCase, Wire } from './case.js';
import { OK, WHOLE } from './cases.js';

/** Talks that were made at one vendor and go on at another, and valid requests that a vendor takes in a narrower form only. */

const USER = { role: 'user', content: 'hi' };
const CITY = { type: 'object', properties: { city: { type: 'string' } } };

function tool(name: string, parameters?: unknown, more: object = {}): object {
  return { type: 'function', function: { name, ...(parameters === undefined ? {} : { parameters }), ...more } };
}

function call(id: string, name = 'get_weather', more: object = {}): object {
  return { id, type: 'function', function: { name, arguments: '{"city":"Paris"}' }, ...more };
}

function turn(calls: readonly object[], more: object = {}): object {
  return { role: 'assistant', content: null, tool_calls: calls, ...more };
}

function result(id: string, content: unknown = 'rain'): object {
  return { role: 'tool', tool_call_id: id, content };
}

function served(name: string, request: Record<string, unknown>, wire: Record<string, Wire> = {}): BatteryCase {
  return { name, behaviours: [OK], request, served: { ...WHOLE, wire } };
}

function talk(name: string, ...messages: object[]): BatteryCase {
  return served(name, { tools: [tool('get_weather', CITY)], messages: [USER, ...messages] });
}

const KIMI = 'functions.get_weather:0';
const SIGNED = { extra_content: { google: { thought_signature: 'bWFkZS9lbHNld2hlcmU=' } } };
const THOUGHTS = {
  reasoning_content: 'Let me see.',
  thinking_blocks: [{ type: 'thinking', thinking: 'Let me see.', signature: 'bWFkZS9lbHNld2hlcmU=' }],
};

const HISTORIES: readonly BatteryCase[] = [
  talk('ids of calls in another form', turn([call(KIMI), call('x'.repeat(80))]), result(KIMI), result('x'.repeat(80))),
  talk('ids that count anew in each turn', turn([call('0')]), result('0'), turn([call('0')]), result('0'), USER),
  talk('two calls of one id', turn([call('a'), call('a')]), result('a', 'one'), result('a', 'two')),
  talk('thoughts of another model', turn([call('c1', 'get_weather', SIGNED)], THOUGHTS), result('c1'), USER),
  talk('thoughts of another model in this turn', turn([call('c1', 'get_weather', SIGNED)], THOUGHTS), result('c1')),
  talk('a call without its result', turn([call('a'), call('b')]), result('b'), USER),
  talk(
    'results out of order, and two for one call',
    turn([call('a'), call('b')]),
    result('b'),
    USER,
    result('a'),
    result('b'),
  ),
  talk(
    'calls one after the other in messages of their own',
    turn([call('a')]),
    turn([call('b')]),
    result('a'),
    result('b'),
  ),
  talk(
    'a text, then calls, in two messages',
    { role: 'assistant', content: 'I look.' },
    turn([call('a')]),
    result('a'),
  ),
  talk(
    'arguments that are no object',
    turn([{ id: 'a', type: 'function', function: { name: 'get_weather', arguments: '[1]' } }]),
    result('a'),
  ),
  talk('a name of another vendor', turn([call('a', 'default_api:get weather')]), result('a')),
  talk('a blank turn of the user', { role: 'assistant', content: 'Well?' }, { role: 'user', content: ' ' }),
  talk('a blank turn of the model', { role: 'assistant', content: '\n' }, USER),
].map((one) => ({ ...one, adapters: ['anthropic', 'gemini'] }));

const REQUESTS: readonly BatteryCase[] = [
  served('tools without a schema', { tools: [tool('a'), tool('b', {}), tool('c', { properties: {} })] }),
  served('a union at the root of a schema', { tools: [tool('a', { anyOf: [CITY, { ...CITY, required: ['city'] }] })] }),
  served('bounds in a strict tool', {
    tools: [
      tool(
        'a',
        {
          type: 'object',
          properties: { n: { type: 'integer', minimum: 1, maximum: 9 } },
          required: ['n'],
          additionalProperties: false,
        },
        { strict: true },
      ),
    ],
  }),
  served('tools of one name', { tools: [tool('a', CITY), tool('a', CITY), tool('a', {})] }),
  served('a name that begins with a digit', { tools: [tool('3d_view', CITY)] }),
  served(
    'white space beside a word to stop at',
    { stop: ['\n', 'Land ho'] },
    {
      anthropic: { has: ['"stop_sequences":["Land ho"]'] },
      gemini: { has: ['"stopSequences":["\\n","Land ho"]'] },
      openai: { has: ['"stop":["\\n","Land ho"]'] },
    },
  ),
  served('blank parts of a text', {
    messages: [
      {
        role: 'user',
        content: [
          { type: 'text', text: ' ' },
          { type: 'text', text: 'hi' },
          { type: 'text', text: '' },
        ],
      },
    ],
  }),
  served('a talk that the model begins', {
    messages: [{ role: 'system', content: 'Be brief.' }, { role: 'assistant', content: 'Yes?' }, USER],
  }),
];

/** White space alone would be missed, and no tool takes a text: nothing is sent. */
const UNABLE: readonly BatteryCase[] = (
  [
    ['white space alone to stop at', 'stop', { stop: '\n' }, ['anthropic']],
    [
      'a tool that takes no object',
      'tools[0].function.parameters.type',
      { tools: [tool('a', { type: 'string' })] },
      ['anthropic', 'gemini'],
    ],
  ] as const
).map(([name, param, request, adapters]) => ({
  name,
  adapters,
  behaviours: [OK],
  request,
  refused: {
    status: 400,
    code: 'unsupported_parameter',
    param,
    isUnsent: true,
    failed: { reason: /^unsupported$/, class: 'caller_fault' },
  },
}));

export const HISTORY_CASES: readonly BatteryCase[] = [...HISTORIES, ...REQUESTS, ...UNABLE];

/** Compatible servers that are strict with histories of others. */
export const STRICT_HISTORIES: readonly BatteryCase[] = (
  [
    ['strict-messages', { lacks: ['thinking_blocks', 'extra_content', 'reasoning_content'], has: [KIMI] }],
    ['nine-character-ids', { lacks: [KIMI], has: ['thinking_blocks', 'extra_content', 'reasoning_content'] }],
    ['short-ids', { lacks: ['x'.repeat(41)] }],
    ['ok', { has: [KIMI, 'thinking_blocks', 'extra_content', 'Let me see.', 'x'.repeat(80)] }],
  ] satisfies [string, Wire][]
).map(([behaviour, wire]) => {
  const long = 'x'.repeat(80);
  const messages = [USER, turn([call(KIMI, 'get_weather', SIGNED), call(long)], THOUGHTS), result(KIMI), result(long)];
  const request = { tools: [tool('get_weather', CITY)], messages };
  return {
    name: `a talk of another vendor at ${behaviour}`,
    behaviours: [`${behaviour}-n20-p10`],
    request,
    served: { ...WHOLE, wire: { openai: wire } },
  };
});

/** DeepSeek and Moonshot want the thoughts of a call back. */
export const THOUGHTLESS: BatteryCase = {
  name: 'a call that another model made without thoughts',
  behaviours: ['wants-thoughts-n20-p10'],
  request: { messages: [USER, turn([call('a')]), result('a')] },
  served: { ...WHOLE, wire: { openai: { has: ['"reasoning_content":" "'] } } },
};
