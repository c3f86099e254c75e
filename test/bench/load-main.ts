import { HttpConnection, requestBytes, type Answer } from './http-connection.js';
import { percentile, type LoadJob, type LoadResult } from './load-job.js';

const FAILURE_EXAMPLES_MAX = 5;

/** What one job has seen so far. */
class Tally {
  private readonly totalsMs: number[] = [];
  private readonly firstBytesMs: number[] = [];
  private failures = 0;
  private readonly examples: string[] = [];
  private withoutDone = 0;
  private withoutUsage = 0;

  constructor(private readonly streaming: boolean) {}

  answer(answer: Answer): void {
    if (answer.status !== 200) return this.failure(`status ${answer.status.toString()}`);
    this.totalsMs.push(answer.totalMs);
    this.firstBytesMs.push(answer.firstByteMs);
    if (this.streaming && !answer.sawDone) this.withoutDone += 1;
    if (this.streaming && !answer.sawUsage) this.withoutUsage += 1;
  }

  failure(text: string): void {
    this.failures += 1;
    if (this.examples.length < FAILURE_EXAMPLES_MAX) this.examples.push(text);
  }

  result(elapsedMs: number): LoadResult {
    const totals = Float64Array.from(this.totalsMs).sort();
    return {
      answers: totals.length,
      failures: this.failures,
      failureExamples: this.examples,
      elapsedMs,
      p50Ms: percentile(totals, 0.5),
      p99Ms: percentile(totals, 0.99),
      firstByteP50Ms: percentile(Float64Array.from(this.firstBytesMs).sort(), 0.5),
      streamsWithoutDone: this.withoutDone,
      streamsWithoutUsage: this.withoutUsage,
    };
  }
}

/** Drives one connection until the time is over; a broken connection is counted and replaced. */
async function drive(open: () => HttpConnection, untilMs: number, tally: Tally): Promise<void> {
  let connection = open();
  while (performance.now() < untilMs) {
    try {
      tally.answer(await connection.send());
    } catch (error) {
      tally.failure(String(error));
      connection.close();
      connection = open();
    }
  }
  connection.close();
}

async function runJob(job: LoadJob): Promise<LoadResult> {
  const urls = job.urls.map((url) => new URL(url));
  const tally = new Tally(job.mode !== 'plain');
  const startedAt = performance.now();
  // A held job sends exactly one request on each connection: its time is over at once.
  const untilMs = startedAt + (job.mode === 'hold' ? 0 : job.durationMs);
  const connections = Array.from({ length: job.connections }, async (_, at) => {
    const url = urls[at % urls.length] as URL;
    const key = job.keys.length === 0 ? undefined : job.keys[at % job.keys.length];
    const request = requestBytes(url, key, job.body);
    const open = (): HttpConnection => new HttpConnection(url.hostname, Number(url.port), request);
    if (job.mode !== 'hold') return drive(open, untilMs, tally);
    const connection = open();
    await connection.send().then(
      (answer) => tally.answer(answer),
      (error: unknown) => tally.failure(String(error)),
    );
    connection.close();
  });
  await Promise.all(connections);
  return tally.result(performance.now() - startedAt);
}

process.on('message', (job: LoadJob) => {
  void runJob(job).then((result) => process.send?.(result));
});
