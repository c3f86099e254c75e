import type { BatteryCase, Served, Wire } from './case.js';
import { OK, WHOLE } from './cases.js';
import { CALLS, TOOLS } from './conversation.js';

/** Fields that each vendor has a word of its own for, or none: what docs/vendors.md says, on the wire. */

const PICTURE = 'https://example.com/pictures/cat.png';

function sent(
  name: string,
  request: Record<string, unknown>,
  wire: Record<string, Wire>,
  more: Partial<Served> = {},
): BatteryCase {
  return { name, behaviours: [OK], request, served: { ...WHOLE, wire, ...more } };
}

const CALLED: Partial<Served> = { text: '', finish: 'tool_calls', calls: CALLS.slice(0, 1) };

const TOOL_CHOICES: readonly BatteryCase[] = [
  sent(
    'no function, though there are some',
    { tools: TOOLS, tool_choice: 'none' },
    {
      openai: { has: ['"tool_choice":"none"', 'get_weather'] },
      anthropic: { lacks: ['"tool_choice":{"type":"auto"}', '"tool_choice":{"type":"any"}'] },
      gemini: { has: ['"mode":"NONE"'] },
    },
  ),
  {
    ...sent(
      'any function',
      { tools: TOOLS, tool_choice: 'required' },
      {
        openai: { has: ['"tool_choice":"required"'] },
        anthropic: { has: ['"tool_choice":{"type":"any"'] },
        gemini: { has: ['"mode":"ANY"'] },
      },
      CALLED,
    ),
    behaviours: ['tools-n20-p10'],
  },
  {
    ...sent(
      'one function by its name',
      { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'get_weather' } } },
      {
        openai: { has: ['"tool_choice":{"type":"function","function":{"name":"get_weather"}}'] },
        anthropic: { has: ['"tool_choice":{"type":"tool","name":"get_weather"'] },
        gemini: { has: ['"mode":"ANY"', '"allowedFunctionNames":["get_weather"]'] },
      },
      CALLED,
    ),
    behaviours: ['tools-n20-p10'],
  },
];

const STEERING: readonly BatteryCase[] = [
  sent(
    'an image by its link',
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: PICTURE, detail: 'low' } }] }] },
    {
      openai: { has: [`"url":"${PICTURE}"`, '"detail":"low"'] },
      anthropic: { has: [`"source":{"type":"url","url":"${PICTURE}"}`] },
      gemini: { has: ['"mimeType":"image/png"', `"fileUri":"${PICTURE}"`] },
    },
  ),
  sent(
    'a seed',
    { seed: 4711 },
    {
      openai: { has: ['"seed":4711'] },
      anthropic: { lacks: ['seed', '4711'] },
      gemini: { has: ['"seed":4711'] },
    },
  ),
  sent(
    'one word to stop at',
    { stop: 'Land ho' },
    {
      openai: { has: ['"stop":"Land ho"'] },
      anthropic: { has: ['"stop_sequences":["Land ho"]'] },
      gemini: { has: ['"stopSequences":["Land ho"]'] },
    },
  ),
  sent(
    'several words to stop at',
    { stop: ['Land ho', 'Ahoy'] },
    {
      openai: { has: ['"stop":["Land ho","Ahoy"]'] },
      anthropic: { has: ['"stop_sequences":["Land ho","Ahoy"]'] },
      gemini: { has: ['"stopSequences":["Land ho","Ahoy"]'] },
    },
  ),
  sent(
    'an effort of thinking',
    { reasoning_effort: 'high', max_tokens: 4000 },
    {
      openai: { has: ['"reasoning_effort":"high"'] },
      anthropic: { has: ['"thinking":{"type":"'], lacks: ['reasoning_effort'] },
      gemini: { has: ['"thinkingConfig":{', '"includeThoughts":true'], lacks: ['reasoning_effort'] },
    },
  ),
  sent(
    'penalties',
    { presence_penalty: 0.25, frequency_penalty: 0.5 },
    {
      openai: { has: ['"presence_penalty":0.25', '"frequency_penalty":0.5'] },
      anthropic: { lacks: ['enalty'] },
      gemini: { has: ['"presencePenalty":0.25', '"frequencyPenalty":0.5'] },
    },
  ),
  sent(
    'what only OpenAI has',
    { logit_bias: { '50256': -100 }, store: false, verbosity: 'low' },
    {
      openai: { has: ['"logit_bias":{"50256":-100}', '"verbosity":"low"'] },
      anthropic: { lacks: ['50256', 'store', 'verbosity'] },
      gemini: { lacks: ['50256', '"store"', 'verbosity'] },
    },
  ),
  {
    ...sent(
      'log probabilities',
      { logprobs: true, top_logprobs: 2 },
      { openai: { has: ['"logprobs":true', '"top_logprobs":2'] } },
    ),
    adapters: ['openai'],
  },
];

/** What would be missed in the answer, and has no word at the vendor. */
const UNANSWERABLE: readonly BatteryCase[] = (
  [
    ['several choices', 'n', { n: 2 }],
    ['log probabilities', 'logprobs', { logprobs: true }],
    ['the likeliest tokens', 'top_logprobs', { top_logprobs: 2 }],
    ['functions of the old kind', 'functions', { functions: [{ name: 'f', parameters: {} }] }],
  ] as const
).map(([what, param, request]): BatteryCase => ({
  name: `${what}, which no endpoint has`,
  adapters: ['anthropic', 'gemini'],
  // A second endpoint of the same vendor is not asked: it has no word either.
  behaviours: ['ok', OK],
  request,
  refused: {
    status: 400,
    code: 'unsupported_parameter',
    param,
    isUnsent: true,
    failed: { reason: /^unsupported$/, class: 'caller_fault' },
  },
}));

export const FIELD_CASES: readonly BatteryCase[] = [...TOOL_CHOICES, ...STEERING, ...UNANSWERABLE];
