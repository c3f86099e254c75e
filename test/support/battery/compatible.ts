import { textOf, THOUGHTS } from '../upstream/answer.js';
import { VENDORS } from '../upstream/behaviour.js';
import type { BatteryAdapter } from './adapters.js';
import type { BatteryCase } from './case.js';
import { CALLS, TOOLS } from './conversation.js';

type Name = (typeof VENDORS)[number];

/** Those whose models think here, and so have two tokens more. */
const THINKING: ReadonlySet<Name> = new Set([
  'deepseek',
  'groq',
  'llamacpp',
  'mistral',
  'ollama',
  'openrouter',
  'vllm',
]);

/** Compatible vendors and how each is reached; one that only the OpenAI adapter speaks is one line here. */
export const COMPATIBLE: readonly BatteryAdapter[] = [
  ...VENDORS.filter((name) => name !== 'azure').map((name) => ({ name, adapter: 'openai', path: '/v1' })),
  { name: 'azure', adapter: 'openai', path: '/openai?api-version=2024-10-21' },
  {
    name: 'azure, one deployment',
    adapter: 'openai',
    path: '/openai/deployments/azure-n20-p10?api-version=2024-10-21',
  },
];

/** What every compatible vendor has to pass, in its own behaviour. */
export function compatibleCases({ name: label }: BatteryAdapter): BatteryCase[] {
  const vendor = VENDORS.find((known) => label.startsWith(known));
  if (vendor === undefined) throw new Error(`the upstream does not know ${label}`);
  const thoughts = THINKING.has(vendor) ? 2 : 0;
  const behaviour = `${vendor}-n${String(20 - thoughts)}-p10`;
  const isOneDeployment = label !== vendor;
  const cases: BatteryCase[] = [
    {
      name: 'a text, with what newer clients send',
      behaviours: [behaviour],
      request: {
        max_completion_tokens: 500,
        messages: [
          { role: 'developer', content: 'Be brief.' },
          { role: 'user', content: 'hi' },
        ],
      },
      served: {
        text: textOf(20 - thoughts),
        ...(thoughts === 0 ? {} : { reasoning: THOUGHTS.join('') }),
        finish: 'stop',
        tokens: { input: 10, output: 20 },
        received: ['Be brief.', '500'],
      },
    },
    {
      name: 'two calls of functions',
      behaviours: [`${vendor}-n20-p10`],
      request: { tools: TOOLS },
      served: { text: '', finish: 'tool_calls', calls: CALLS, tokens: { input: 10, output: 20 } },
    },
  ];
  const error: BatteryCase = {
    name: 'another endpoint when it breaks off at once',
    behaviours: [`${vendor}-error-a0`, behaviour],
    only: 'stream',
    served: { text: textOf(20 - thoughts), finish: 'stop', tokens: { input: 10, output: 20 } },
    failed: { reason: /^(error_in_stream|cut|empty_stream)$/, class: 'endpoint_fault' },
  };
  return isOneDeployment ? cases : [...cases, error];
}

/** Upstreams that refuse what OpenAI takes, and careless ones: the answer is the same. */
export const CARELESS: readonly BatteryCase[] = [
  ...(['no-index', 'same-index', 'no-id', 'one-id', 'object', 'repeat', 'null'] as const).map(
    (manner): BatteryCase => ({
      name: `two calls by tools-${manner}`,
      behaviours: [`tools-${manner}-n20-p10`],
      request: { tools: TOOLS },
      served: { text: '', finish: 'tool_calls', calls: CALLS, tokens: { input: 10, output: 20 } },
    }),
  ),
  ...['no-finish', 'json-for-stream'].map((behaviour) => plain(behaviour)),
  {
    name: 'a text by strict-options, counted by the gateway',
    behaviours: ['strict-options-n20-p10'],
    only: 'stream',
    served: { text: textOf(20), finish: 'stop', tokens: 'estimated' },
  },
  plain('only-max-tokens', { max_completion_tokens: 300 }, ['"max_tokens":300']),
  plain('only-max-completion-tokens', { max_tokens: 300 }, ['"max_completion_tokens":300']),
  plain('only-system-role', {
    messages: [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: 'hi' },
    ],
  }),
];

function plain(behaviour: string, request: Record<string, unknown> = {}, received: string[] = []): BatteryCase {
  return {
    name: `a text by ${behaviour}`,
    behaviours: [`${behaviour}-n20-p10`],
    request,
    served: { text: textOf(20), finish: 'stop', tokens: { input: 10, output: 20 }, received },
  };
}
