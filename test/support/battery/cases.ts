import { createHash } from 'node:crypto';
import type { FailureClass } from '../../../src/provider/index.js';
import { REFUSAL, textOf, THOUGHTS } from '../upstream/answer.js';
import type { BatteryCase, Failed, Served, Tokens } from './case.js';
import { CALLS, JSON_ANSWER, JSON_SCHEMA, LONG_TALK, LONG_TALK_RECEIVED, PIXEL, TOOLS } from './conversation.js';

export const TOKENS: Tokens = { input: 10, output: 20 };
export const WHOLE: Served = { text: textOf(20), finish: 'stop', tokens: TOKENS };
export const OK = 'ok-n20-p10';
const IMAGE_URL = `data:image/png;base64,${PIXEL}`;
const IMAGE_SEEN = { chars: IMAGE_URL.length, sha256: createHash('sha256').update(IMAGE_URL).digest('hex') };
const IMAGES_SEEN = JSON.stringify({ images: [IMAGE_SEEN, IMAGE_SEEN] });
const IMAGE = { type: 'image_url', image_url: { url: IMAGE_URL } };

function served(name: string, behaviour: string, expected: Partial<Served> = {}, more: object = {}): BatteryCase {
  return { name, behaviours: [`${behaviour}-p10`], served: { ...WHOLE, ...expected }, ...more };
}

/** What every adapter must make of an answer. */
const ANSWERS: readonly BatteryCase[] = [
  served('a text', 'ok-n20'),
  served(
    'a text cut at the maximum',
    'obedient-n20',
    {
      text: textOf(5),
      finish: 'length',
      tokens: { input: 10, output: 5 },
    },
    { request: { max_tokens: 5 } },
  ),
  served(
    'a call of a function',
    'tools-n20',
    { text: '', finish: 'tool_calls', calls: CALLS.slice(0, 1) },
    {
      request: { tools: TOOLS },
    },
  ),
  served(
    'two calls at once',
    'tools-parallel-n20',
    { text: '', finish: 'tool_calls', calls: CALLS },
    {
      request: { tools: TOOLS, tool_choice: 'required', parallel_tool_calls: true },
    },
  ),
  served('a document by schema', 'json-n20', { text: JSON_ANSWER }, { request: { response_format: JSON_SCHEMA } }),
  served('a JSON object', 'json-n20', { text: JSON_ANSWER }, { request: { response_format: { type: 'json_object' } } }),
  served(
    'thoughts before the text',
    'reasoning-n18',
    { text: textOf(18), reasoning: THOUGHTS.join('') },
    {
      request: { reasoning_effort: 'low', max_tokens: 4000 },
    },
  ),
  served('a refusal', 'refusal-n20', { text: '', declined: REFUSAL }),
  served('a text stopped by a filter', 'filtered-n20', { finish: 'content_filter' }),
  served('a pause of the vendor', 'pause-n20'),
  served('everything that was said', 'ok-n20', { received: LONG_TALK_RECEIVED }, { request: LONG_TALK }),
  served(
    'a forced function',
    'tools-n20',
    {
      text: '',
      finish: 'tool_calls',
      calls: CALLS.slice(0, 1),
      received: ['get_weather'],
    },
    { request: { tools: TOOLS, tool_choice: { type: 'function', function: { name: 'get_weather' } } } },
  ),
  served(
    'two images',
    'vision-n20',
    { text: IMAGES_SEEN, received: [PIXEL] },
    {
      request: { messages: [{ role: 'user', content: [{ type: 'text', text: 'what?' }, IMAGE, IMAGE] }] },
    },
  ),
];

/** Usage, wherever and however the vendor puts it. */
const USAGE: readonly BatteryCase[] = [
  served('cached tokens', 'ok-n20-c4', { tokens: { input: 6, cached: 4, output: 20 } }),
  served('tokens written to a cache', 'ok-n20-c4-k3', { tokens: { input: 3, cached: 4, written: 3, output: 20 } }),
  served('no usage', 'usage-absent-n20', { tokens: 'estimated' }),
  served('usage of zero', 'usage-zero-n20', { tokens: 'estimated' }),
  served('usage on the first chunk', 'usage-early-n20', {}, { only: 'stream' }),
  served('usage on the last piece', 'usage-on-content-n20', {}, { only: 'stream' }),
  served('usage again and again', 'usage-twice-n20', {}, { only: 'stream' }),
  served('usage null but at the end', 'usage-null-n20', {}, { only: 'stream' }),
];

/** Framing and pace that change nothing. */
const FRAMES: readonly BatteryCase[] = [
  served('CRLF', 'crlf-n20', {}, { only: 'stream' }),
  served('comments and empty events', 'noise-n20', {}, { only: 'stream' }),
  served('bytes one by one', 'split-utf8-n8', {
    text: 'Grüße 你好，世界 🦊🦉 naïve 日本語 ß 🏳️‍🌈 ',
    tokens: { input: 10, output: 8 },
  }),
  served('no end marker', 'no-done-n20', {}, { only: 'stream' }),
  served('slow headers', 'slow-headers-n20-d100'),
  served('a slow beginning', 'slow-first-n20-d100', {}, { only: 'stream' }),
  served('slow tokens', 'slow-tokens-n20-d2'),
];

const ENDPOINT: FailureClass = 'endpoint_fault';

/** Faults before any output, by what they are called. */
const FAULTS: readonly (readonly [behaviour: string, failed: Failed, only?: 'whole' | 'stream'])[] = [
  ['status-500', { reason: /^http_500$/, class: ENDPOINT }],
  ['status-502', { reason: /^http_502$/, class: ENDPOINT }],
  ['status-503', { reason: /^http_503$/, class: ENDPOINT }],
  ['status-529', { reason: /^http_529$/, class: [ENDPOINT, 'rate_limited'] }],
  ['status-408', { reason: /^http_408$/, class: ENDPOINT }],
  ['status-401', { reason: /^http_401$/, class: 'operator_fault' }],
  ['status-402', { reason: /^http_402$/, class: 'operator_fault' }],
  ['status-403', { reason: /^http_403$/, class: 'operator_fault' }],
  ['status-404', { reason: /^http_404$/, class: 'operator_fault' }],
  ['status-409', { reason: /^http_409$/, class: 'operator_fault' }],
  // A limit is kept in mind, also one without a time: the second call would not ask this endpoint again.
  ['status-429', { reason: /^http_429$/, class: 'rate_limited' }, 'whole'],
  ['status-429-n21', { reason: /^http_429$/, class: 'rate_limited' }, 'stream'],
  ['status-429-r60', { reason: /^http_429$/, class: 'rate_limited' }, 'whole'],
  ['status-429-r61', { reason: /^http_429$/, class: 'rate_limited' }, 'stream'],
  ['bad-key', { reason: /^http_40[01]$/, class: 'operator_fault' }],
  ['no-credit', { reason: /^http_4(00|29)$/, class: ['operator_fault', 'rate_limited'] }, 'whole'],
  ['no-credit-n21', { reason: /^http_4(00|29)$/, class: ['operator_fault', 'rate_limited'] }, 'stream'],
  ['spent-limit', { reason: /^http_400$/, class: 'operator_fault' }],
  ['wrong-model', { reason: /^http_400$/, class: 'operator_fault' }],
  ['reset', { reason: /^reset$/, class: ENDPOINT }],
  ['close', { reason: /^reset$/, class: ENDPOINT }],
  ['refused:', { reason: /^connect_refused$/, class: ENDPOINT }],
  ['tls:', { reason: /^tls_failed$/, class: ENDPOINT }],
  ['html', { reason: /^(broken_json|not_a_stream|empty_stream|cut)$/, class: ENDPOINT }],
  ['broken-json-a0', { reason: /^(broken_json|malformed_chunk)$/, class: ENDPOINT }],
  ['error-in-answer', { reason: /^(error_in_answer|error_in_stream|cut|empty_stream)$/, class: ENDPOINT }],
  ['cut-a0', { reason: /^cut$/, class: ENDPOINT }],
  ['eof-a0', { reason: /^(cut|empty_stream)$/, class: ENDPOINT }],
  ['error-in-stream-a0', { reason: /^error_in_stream$/, class: [ENDPOINT, 'rate_limited'] }, 'stream'],
  ['limit-in-stream-a0', { reason: /^error_in_stream$/, class: 'rate_limited' }, 'stream'],
];

const FAILOVER: readonly BatteryCase[] = FAULTS.map(([behaviour, failed, only]) => ({
  name: `another endpoint after ${behaviour}`,
  behaviours: [behaviour, OK],
  served: WHOLE,
  failed,
  ...(only === undefined ? {} : { only }),
}));

const CALLER: FailureClass = 'caller_fault';

/** Nobody left to ask. */
const REFUSALS: readonly BatteryCase[] = [
  ...[400, 413, 422].map((status): BatteryCase => ({
    name: `the caller’s fault, by ${String(status)}, asked once`,
    behaviours: [`status-${String(status)}`, OK],
    refused: { status: 400, failed: { reason: new RegExp(`^http_${String(status)}$`), class: CALLER } },
  })),
  {
    name: 'what one endpoint cannot do, by another',
    behaviours: ['no-prefill', OK],
    adapters: ['openai'],
    request: {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: 'the' },
      ],
    },
    served: WHOLE,
    failed: { reason: /^http_400$/, class: CALLER },
  },
  {
    name: 'a prompt that is too long for every endpoint',
    behaviours: ['context-length'],
    refused: { status: 400, code: 'context_length_exceeded', failed: { reason: /^context_length$/, class: CALLER } },
  },
  {
    name: 'words of a vendor that must not be passed on',
    behaviours: ['leak-400'],
    refused: { status: 400, failed: { reason: /^http_400$/, class: CALLER } },
  },
  {
    name: 'one endpoint, out of order',
    behaviours: ['status-500'],
    refused: { status: 502, failed: { reason: /^http_500$/, class: ENDPOINT } },
  },
  {
    name: 'every endpoint at its limit',
    only: 'whole',
    behaviours: ['status-429-r62'],
    refused: { status: 429, hasRetryAfter: true, failed: { reason: /^http_429$/, class: 'rate_limited' } },
  },
];

/** Streams that break after a word. */
const BREAKS: readonly BatteryCase[] = (
  [
    ['cut', { reason: /^cut$/, class: ENDPOINT }],
    ['eof', { reason: /^cut$/, class: ENDPOINT }],
    ['broken-chunk', { reason: /^malformed_chunk$/, class: ENDPOINT }],
    ['error-in-stream', { reason: /^error_in_stream$/, class: [ENDPOINT, 'rate_limited'] }],
  ] satisfies [string, Failed][]
).flatMap(([behaviour, failed]): BatteryCase[] => [
  {
    name: `a stream after ${behaviour}, continued elsewhere`,
    behaviours: [`${behaviour}-a5-n20-p10`, OK],
    only: 'stream',
    served: { ...WHOLE, finish: 'stop' },
    isRescued: true,
    failed,
  },
  {
    name: `a stream after ${behaviour}, that cannot be continued`,
    behaviours: [`${behaviour}-a5-n20-p10`],
    only: 'stream',
    broken: { text: textOf(5), failed },
  },
]);

/** The fast part. */
export const CASES: readonly BatteryCase[] = [...ANSWERS, ...USAGE, ...FRAMES, ...FAILOVER, ...REFUSALS, ...BREAKS];
