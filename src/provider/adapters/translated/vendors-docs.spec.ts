import { readFileSync } from 'node:fs';
import { HI, vendorBench, type VendorBench } from '../../../../test/support/vendor-bench.js';
import type { Json } from '../../../../test/support/vendor-wire.js';
import { UpstreamFailure } from '../../domain/failure.js';
import { AnthropicAdapter } from '../anthropic/anthropic.adapter.js';
import { textAnswer as anthropicAnswer } from '../anthropic/anthropic.fixtures.js';
import { GeminiAdapter } from '../gemini/gemini.adapter.js';
import { textAnswer as geminiAnswer } from '../gemini/gemini.fixtures.js';

/** docs/vendors.md says what becomes of each field of a request: here every row is tried at both vendors. */
const [, TABLE = ''] = /## The request\n\n([\s\S]*?)\n\n/.exec(readFileSync('docs/vendors.md', 'utf8')) ?? [];
const ROWS = TABLE.split('\n')
  .slice(2)
  .map((line) => line.split('|').map((cell) => cell.trim()))
  .map(([, field = '', anthropic = '', gemini = '']) => ({ field, anthropic, gemini }));

const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';
const tool = (more: Json = {}): Json => ({ type: 'function', function: { name: 'f', ...more } });
const said = (...content: Json[]): Json => ({ messages: [{ role: 'user', content }] });
const image = (url: string): Json => ({ type: 'image_url', image_url: { url } });
const shown = (url: string): Json => ({
  tools: [tool()],
  messages: [
    { role: 'user', content: 'Hi' },
    { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', tool_call_id: 'c', content: [image(url)] },
  ],
});
const schema = { type: 'object', properties: {}, additionalProperties: false };
const cached = { cache_control: { type: 'ephemeral' } };
const text = { type: 'text', text: 'Hi' };

/** A request that uses what a row is about; `besides` is the same request without it. */
interface Probe {
  body: Json;
  besides?: Json;
}

const PROBES: Readonly<Record<string, readonly Probe[]>> = {
  '`system`, `developer` messages': [
    { body: { messages: [{ role: 'system', content: 'Be brief.' }, ...HI.messages] } },
    { body: { messages: [...HI.messages, { role: 'developer', content: 'Be brief.' }] } },
  ],
  'text, `image_url` (https or base64 data URL)': [
    { body: said(text, image('https://example.com/cat.png')), besides: said(text) },
    { body: said(text, image(PIXEL)), besides: said(text) },
  ],
  '`file` with `file_data`': [
    {
      body: said(text, { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=' } }),
      besides: said(text),
    },
  ],
  '`input_audio`, `video_url`': [
    {
      body: said(text, { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }),
      besides: said(text),
    },
    { body: said(text, { type: 'video_url', video_url: { url: 'https://example.com/a.mp4' } }), besides: said(text) },
  ],
  '`file_id`, other kinds of parts, role `function`': [
    { body: said({ type: 'file', file: { file_id: 'file-1' } }) },
    { body: said({ type: 'hologram' }) },
    { body: { messages: [...HI.messages, { role: 'function', name: 'f', content: '1' }] } },
  ],
  'images in tool results': [{ body: shown(PIXEL) }],
  '`tools` of type `function`, `strict`': [
    { body: { tools: [tool()] } },
    {
      body: { tools: [tool({ strict: true, parameters: schema })] },
      besides: { tools: [tool({ parameters: schema })] },
    },
  ],
  'other types of tools, `functions`': [
    { body: { tools: [{ type: 'custom', custom: { name: 'c' } }] } },
    { body: { functions: [{ name: 'f' }] } },
  ],
  '`tool_choice`': ['none', 'required', tool()].map((choice) => ({
    body: { tools: [tool()], tool_choice: choice },
    besides: { tools: [tool()] },
  })),
  '`parallel_tool_calls: false`': [
    { body: { tools: [tool()], parallel_tool_calls: false }, besides: { tools: [tool()] } },
  ],
  '`max_tokens`, `max_completion_tokens`': [
    { body: { max_tokens: 100, max_completion_tokens: 200 }, besides: { max_tokens: 100 } },
    { body: { max_tokens: 200, max_completion_tokens: 100 }, besides: { max_completion_tokens: 100 } },
  ],
  '`temperature`': [{ body: { temperature: 0.5 } }],
  '`top_p`': [{ body: { temperature: 0.5, top_p: 0.5 }, besides: { temperature: 0.5 } }],
  '`stop`': [{ body: { stop: 'END' } }, { body: { stop: ['END', 'STOP'] }, besides: { stop: 'END' } }],
  '`seed`': [{ body: { seed: 1 } }],
  '`presence_penalty`, `frequency_penalty`': [
    { body: { presence_penalty: 0.5 } },
    { body: { frequency_penalty: 0.5 } },
  ],
  '`response_format` `json_schema`': [
    { body: { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } } },
  ],
  '`response_format` `json_object`': [{ body: { response_format: { type: 'json_object' } } }],
  '`reasoning_effort`, `reasoning.effort`': [
    { body: { reasoning_effort: 'high', max_tokens: 4000 }, besides: { max_tokens: 4000 } },
    { body: { reasoning: { effort: 'low' }, max_tokens: 4000 }, besides: { max_tokens: 4000 } },
  ],
  '`thinking` (Anthropic’s own)': [
    { body: { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 4000 }, besides: { max_tokens: 4000 } },
  ],
  '`extra_body.google.thinking_config`': [
    { body: { extra_body: { google: { thinking_config: { thinking_budget: 64 } } } } },
  ],
  '`cache_control` on parts, messages, tools': [
    { body: said({ ...text, ...cached }), besides: said(text) },
    { body: { messages: [{ ...HI.messages[0], ...cached }] } },
    { body: { tools: [{ ...tool(), ...cached }] }, besides: { tools: [tool()] } },
  ],
  '`n` above 1, `logprobs`, `top_logprobs`, spoken answers': [
    { body: { n: 2 } },
    { body: { logprobs: true } },
    { body: { top_logprobs: 2 } },
    { body: { modalities: ['text', 'audio'], audio: { voice: 'alloy', format: 'mp3' } } },
  ],
  '`user`, `metadata`, `store`, `logit_bias`, `prediction`, `verbosity` and unknown fields': [
    { body: { user: 'ada' } },
    { body: { metadata: { a: 'b' } } },
    { body: { store: true } },
    { body: { logit_bias: { '1': 5 } } },
    { body: { prediction: { type: 'content', content: 'x' } } },
    { body: { verbosity: 'low' } },
    { body: { something_new: [1] } },
  ],
};

type Fate = 'refused' | 'left out' | 'sent';

/** What a cell of the table promises in its first words. */
function promiseOf(cell: string): Fate {
  if (cell.startsWith('400')) return 'refused';
  return cell.startsWith('left out') ? 'left out' : 'sent';
}

async function fateOf(bench: VendorBench, { body, besides = {} }: Probe): Promise<Fate> {
  const without = await bench.sentFor({ ...HI, ...besides });
  try {
    const sent = await bench.sentFor({ ...HI, ...body });
    return JSON.stringify(sent) === JSON.stringify(without) ? 'left out' : 'sent';
  } catch (error) {
    if (error instanceof UpstreamFailure && error.isUnsupported) return 'refused';
    throw error;
  }
}

function probesOf(field: string): readonly Probe[] {
  return PROBES[field.replace("'", '’')] ?? [];
}

it('every row has something to try it with, and nothing is tried that is not in it', () => {
  expect(ROWS.length).toBeGreaterThan(20);
  expect(ROWS.filter(({ field }) => probesOf(field).length === 0)).toEqual([]);
  expect(Object.keys(PROBES)).toHaveLength(ROWS.length);
});

describe.each([
  [
    'anthropic' as const,
    vendorBench((pools, clock) => new AnthropicAdapter(pools, clock), {
      model: 'claude-opus-4-6',
      path: '/v1',
      plain: anthropicAnswer('Hello.'),
    }),
  ],
  [
    'gemini' as const,
    vendorBench((pools, clock) => new GeminiAdapter(pools, clock), {
      model: 'gemini-3-flash-preview',
      path: '/v1beta',
      plain: geminiAnswer('Hello.'),
    }),
  ],
])('%s', (vendor, bench) => {
  it.each(ROWS)('$field', async ({ field, [vendor]: cell }) => {
    for (const probe of probesOf(field))
      expect([probe.body, await fateOf(bench, probe)]).toEqual([probe.body, promiseOf(cell)]);
  });
});
