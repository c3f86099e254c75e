import { textOf } from '../upstream/answer.js';
import type { BatteryCase, Failed } from './case.js';
import { OK, WHOLE } from './cases.js';

const MIB = 1024 * 1024;
/** Shorter than any of these upstreams will ever take; the endpoint that serves instead has all the time. */
const SHORT_MS = 300;

const timedOut = (phase: string): Failed => ({ reason: new RegExp(`^timeout_${phase}$`), class: 'timeout' });

function waits(field: string): Record<string, unknown> {
  return { timeouts: { [field]: SHORT_MS } };
}

/** Time for the first content on a machine that is very busy. */
const LATE = { timeouts: { total_ms: 10_000 } };

/** Upstreams that say nothing, before any output. */
const SILENT = (
  [
    ['stall-headers', 'headers', undefined],
    ['slow-headers-d600000', 'headers', undefined],
    ['stall', 'first_token', 'stream'],
    ['slow-first-d600000', 'first_token', 'stream'],
    ['stall-a5', 'idle', 'whole'],
  ] as const
).flatMap(([behaviour, phase, only]): BatteryCase[] => {
  const more = { endpoint: waits(`${phase}_ms`), ...(only === undefined ? {} : { only }) };
  const failed = timedOut(phase);
  return [
    { name: `another endpoint after ${behaviour}`, behaviours: [behaviour, OK], served: WHOLE, failed, ...more },
    { name: `nobody after ${behaviour}`, behaviours: [behaviour], refused: { status: 504, failed }, ...more },
  ];
});

/** Minutes for a loaded machine: `npm run test:full`. */
export const SLOW_CASES: readonly BatteryCase[] = [
  ...SILENT,
  {
    name: 'a stream that falls silent, continued elsewhere',
    behaviours: ['stall-a5-n20-p10', OK],
    only: 'stream',
    endpoint: waits('idle_ms'),
    served: WHOLE,
    isRescued: true,
    failed: timedOut('idle'),
  },
  {
    name: 'a stream that falls silent and cannot be continued',
    behaviours: ['stall-a5-n20-p10'],
    only: 'stream',
    endpoint: waits('idle_ms'),
    broken: { text: textOf(5), failed: timedOut('idle') },
  },
  {
    name: 'a whole call that takes too long after some content, continued elsewhere',
    behaviours: ['stall-a5-n20-p10', OK],
    only: 'stream',
    endpoint: LATE,
    served: WHOLE,
    isRescued: true,
    failed: timedOut('total'),
  },
  {
    name: 'a whole call that takes too long after some content, and nobody is left',
    behaviours: ['stall-a5-n20-p10'],
    only: 'stream',
    endpoint: LATE,
    broken: { text: textOf(5), failed: timedOut('total') },
  },
  {
    name: 'a huge answer',
    behaviours: ['huge-m8-p10'],
    request: { max_tokens: 8000 },
    served: { text: 'x'.repeat(8 * MIB), finish: 'stop', tokens: { input: 10, output: 512 } },
  },
  {
    name: 'an answer larger than any may be',
    behaviours: ['huge-m33', OK],
    only: 'whole',
    served: WHOLE,
    failed: { reason: /^answer_too_large$/, class: 'endpoint_fault' },
  },
];
