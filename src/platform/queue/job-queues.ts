import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Queue, Worker, type IQueueBackend, type Job } from 'bullmq';
import { CONFIG, type Config } from '../config/index.js';
import { AppError } from '../errors/index.js';
import { LOGGER, type Logger } from '../logging/index.js';
import { ErrorBrake } from './error-brake.js';
import { queueBackendOf, type QueueBackend } from './queue-backend.js';
import { QUEUE_NAMES, QUEUES, type Payload, type QueueName } from './queues.js';

const ATTEMPTS_MAX = 3;
const FAILED_KEPT = 100;
const EVENTS_KEPT = 100;
/** A worker that lost its connection asks again after this time, and polls at this pace where notices cannot reach it. */
const POLL_S = 1;
const ANSWER_WITHIN_MS = 2_000;
const CLOSE_WITHIN_MS = 5_000;
const SAME_ERROR_MS = 10_000;

export type JobHandler<Name extends QueueName> = (payload: Payload<Name>) => Promise<void>;
export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  failed: number;
}

/** A queue of either back end. */
export type JobQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend>;
type AnyWorker = Pick<Worker, 'name' | 'close' | 'disconnect' | 'isRunning' | 'isPaused'>;

/**
 * The job queues of this process. A back end that is away is logged, never fatal: adding fails fast, workers go on when it
 * returns, and nothing that must not be lost is kept only here.
 */
@Injectable()
export class JobQueues implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly handlers = new Map<QueueName, JobHandler<QueueName>[]>();
  private readonly queues = new Map<QueueName, JobQueue>();
  private readonly workers: AnyWorker[] = [];
  private readonly brakes: ErrorBrake[] = [];
  private readonly backend: QueueBackend;
  private readonly loggedMs = new Map<string, number>();

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.backend = queueBackendOf(config);
  }

  get backendKind(): QueueBackend['kind'] {
    return this.backend.kind;
  }

  /** Declares who does the jobs of a queue; call before the application has started. */
  handle<Name extends QueueName>(name: Name, handler: JobHandler<Name>): void {
    const known = this.handlers.get(name) ?? [];
    this.handlers.set(name, [...known, handler]);
  }

  /**
   * Adds a job. A job of the same id that is not finished makes this a no-op.
   * @throws AppError `unavailable` when the back end does not answer.
   */
  async add<Name extends QueueName>(name: Name, payload: Payload<Name>, jobId: string): Promise<void> {
    const data = QUEUES[name].parse(payload);
    await this.answered(name, this.queueOf(name).add(name, data, { jobId }));
  }

  /** Jobs by state. @throws AppError `unavailable` when the back end does not answer. */
  async counts(name: QueueName): Promise<QueueCounts> {
    const queue = this.queueOf(name);
    const counts = await this.answered(name, queue.getJobCounts('waiting', 'active', 'delayed', 'failed'));
    return {
      waiting: counts['waiting'] ?? 0,
      active: counts['active'] ?? 0,
      delayed: counts['delayed'] ?? 0,
      failed: counts['failed'] ?? 0,
    };
  }

  /** Asks a queue something of administration. @throws AppError `unavailable` when the back end does not answer. */
  async ask<T>(name: QueueName, question: (queue: JobQueue) => Promise<T>): Promise<T> {
    return this.answered(name, question(this.queueOf(name)));
  }

  /** What the worker of a queue is doing in this process, for a log line; `none` without one. */
  workerState(name: QueueName): 'running' | 'paused' | 'ended' | 'none' {
    const worker = this.workers.find((one) => one.name === name);
    if (worker === undefined) return 'none';
    if (worker.isPaused()) return 'paused';
    return worker.isRunning() ? 'running' : 'ended';
  }

  /** Opens the queues and, in a worker process, starts working. @throws when a queue has not exactly one handler. */
  async onApplicationBootstrap(): Promise<void> {
    for (const name of QUEUE_NAMES) {
      const count = this.handlers.get(name)?.length ?? 0;
      if (count !== 1) throw new Error(`queue '${name}' needs exactly one handler, it has ${String(count)}`);
    }
    for (const name of QUEUE_NAMES) {
      const ready = this.queueOf(name).waitUntilReady();
      if (this.backend.kind === 'postgres') await ready;
      else await this.answered(name, ready).catch((error: unknown) => this.logError(name, error));
      if (this.config.WORKERS_ENABLED) this.startWorker(name);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    this.backend.stop();
    for (const brake of this.brakes) brake.stop();
    const closing = Promise.allSettled([
      ...this.workers.map((worker) => worker.close()),
      ...[...this.queues.values()].map((queue) => queue.close()),
    ]);
    // A back end that is away must not hold the process; what is left is cut.
    if ((await within(closing, CLOSE_WITHIN_MS)) === TIMED_OUT) {
      for (const part of [...this.workers, ...this.queues.values()]) void part.disconnect().catch(() => undefined);
    }
  }

  private queueOf(name: QueueName): JobQueue {
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const { factory, connection, prefix } = this.backend;
    const queue: JobQueue = new Queue(
      name,
      {
        connection,
        prefix,
        streams: { events: { maxLen: EVENTS_KEPT } },
        defaultJobOptions: {
          attempts: ATTEMPTS_MAX,
          backoff: { type: 'exponential', delay: 500 },
          removeOnComplete: true,
          removeOnFail: FAILED_KEPT,
          stackTraceLimit: 5,
        },
      },
      factory,
    );
    queue.on('error', (error) => this.logError(name, error));
    this.queues.set(name, queue);
    return queue;
  }

  private startWorker(name: QueueName): void {
    const handler = this.handlers.get(name)?.[0];
    if (handler === undefined) return;
    const { factory, connection, prefix } = this.backend;
    const process = (job: Job): Promise<void> => handler(QUEUES[name].parse(job.data));
    const options = { connection, prefix, drainDelay: POLL_S, runRetryDelay: POLL_S * 1000 };
    const worker = new Worker(name, process, options, factory);
    const brake = new ErrorBrake(worker);
    this.brakes.push(brake);
    worker.on('error', (error) => {
      this.logError(name, error);
      brake.press(performance.now());
    });
    worker.on('failed', (job, error) => {
      this.logger.error(
        { queue: name, job_id: job?.id, attempts: job?.attemptsMade, error: String(error) },
        'job failed',
      );
    });
    this.workers.push(worker);
  }

  private async answered<T>(name: QueueName, answer: Promise<T>): Promise<T> {
    const result = await within(answer, ANSWER_WITHIN_MS).catch((error: unknown) => {
      throw queueUnavailable(`${name}: ${String(error)}`, error);
    });
    if (result === TIMED_OUT) throw queueUnavailable(`${name}: no answer within ${String(ANSWER_WITHIN_MS)} ms`);
    return result;
  }

  /** The same error again and again while a back end is away is one line every few seconds. */
  private logError(name: QueueName, error: unknown): void {
    const text = `${name}: ${String(error)}`;
    const nowMs = performance.now();
    if (nowMs - (this.loggedMs.get(text) ?? Number.NEGATIVE_INFINITY) < SAME_ERROR_MS) return;
    if (this.loggedMs.size > FAILED_KEPT) this.loggedMs.clear();
    this.loggedMs.set(text, nowMs);
    this.logger.warn({ queue: name, backend: this.backend.kind, error: String(error) }, 'queue error');
  }
}

const TIMED_OUT = Symbol('timed out');

/** A promise, or `TIMED_OUT` after a while. A late rejection is swallowed. */
async function within<T>(promise: Promise<T>, waitMs: number): Promise<T | typeof TIMED_OUT> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof TIMED_OUT>((resolve) => {
    timer = setTimeout(() => resolve(TIMED_OUT), waitMs);
  });
  promise.catch(() => undefined);
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

function queueUnavailable(detail: string, cause?: unknown): AppError {
  return new AppError('unavailable', 'the service is temporarily unavailable', {
    code: 'queue_unavailable',
    retryAfterS: 2,
    detail,
    cause,
  });
}
