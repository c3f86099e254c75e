/** One load run against one target, as sent to the load process. */
export interface LoadJob {
  /** Connections take these in turn. */
  urls: readonly string[];
  /** A bearer key for each connection, in turn; empty sends none. */
  keys: readonly string[];
  body: string;
  connections: number;
  durationMs: number;
  /** `hold` opens one stream on each connection, reports, and keeps reading until the streams end. */
  mode: 'plain' | 'stream' | 'hold';
}

export interface LoadResult {
  /** Answers that came whole with status 200. */
  answers: number;
  /** Answers with another status, and connections that broke. */
  failures: number;
  /** First few failures, for the reader. */
  failureExamples: string[];
  elapsedMs: number;
  p50Ms: number;
  p99Ms: number;
  /** To the first byte of the body; the same as the end for plain answers. */
  firstByteP50Ms: number;
  streamsWithoutDone: number;
  streamsWithoutUsage: number;
}

/** The value below which `share` of the sorted values lie; 0 when there are none. */
export function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
