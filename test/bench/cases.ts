import type { LoadJob } from './load-job.js';

export const TARGETS = ['direct', 'bare', 'gateway'] as const;
export type Target = (typeof TARGETS)[number];

export interface BenchCase {
  name: string;
  kind: 'plain' | 'burst' | 'slow';
  connections: number;
  durationMs: number;
}

/** Upstream behaviour of each kind: see test/support/upstream/README.md. */
export const BEHAVIOUR_OF = {
  plain: 'fast-n10',
  burst: 'fast-n20',
  slow: 'slow-tokens-n20-d20-p30',
} as const;

/** The stream that is held open while memory is measured: ten seconds long. */
export const HELD_BEHAVIOUR = 'slow-tokens-n40-d250-p30';
export const HELD_STREAMS = 512;

const DURATIONS_MS = { plain: 1_500, burst: 1_500, slow: 1_500 };
const QUICK_SHARE = 0.4;

/** Every case of a round, in order. Four slow streams are T3's. */
export function benchCases(quick: boolean): BenchCase[] {
  const sizes = { plain: [1, 16, 64], burst: [1, 16, 64], slow: [1, 4, 16, 64] };
  return (['plain', 'burst', 'slow'] as const).flatMap((kind) =>
    sizes[kind].map((connections) => ({
      name: `${kind} ${connections.toString()}`,
      kind,
      connections,
      durationMs: DURATIONS_MS[kind] * (quick && kind !== 'slow' ? QUICK_SHARE : 1),
    })),
  );
}

/** The body of perf.md's figures: about 190 bytes. */
export function bodyOf(model: string, stream: boolean): string {
  return JSON.stringify({
    model,
    messages: [
      { role: 'system', content: 'You are a terse assistant.' },
      { role: 'user', content: 'Name three rivers in Europe, please.' },
    ],
    max_tokens: 64,
    ...(stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** One run of a case at a target. `keys` are the gateway's. */
export function jobOf(bench: BenchCase, urls: readonly string[], model: string, keys: readonly string[]): LoadJob {
  return {
    urls: urls.map((url) => `${url}/chat/completions`),
    keys,
    body: bodyOf(model, bench.kind !== 'plain'),
    connections: bench.connections,
    durationMs: bench.durationMs,
    mode: bench.kind === 'plain' ? 'plain' : 'stream',
  };
}
