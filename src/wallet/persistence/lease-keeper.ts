import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { databaseUrl } from '../../platform/database/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { RENEW_LEASE } from './lease.repository.js';

const TICK_BYTES = 4;
const STOP_WITHIN_MS = 2_000;
const THREAD_MEMORY_MIB = 32;

/** How a lease is kept. */
export interface LeaseTerms {
  processId: string;
  role: string;
  leaseMs: number;
  renewEveryMs: number;
  /** The thread ends the process when `tick` was not called for so long. */
  heldMaxMs: number;
}

/** Keeps the lease of this process alive from a thread, as long as the event loop ticks now and then. */
@Injectable()
export class LeaseKeeper {
  private readonly ticks = new Int32Array(new SharedArrayBuffer(TICK_BYTES));
  private thread: Worker | null = null;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Starts the thread; a thread that ends by a fault is started again by the next tick. */
  keep(terms: LeaseTerms): void {
    const workerData = {
      ...terms,
      databaseUrl: databaseUrl(this.config),
      renewSql: RENEW_LEASE,
      ticks: this.ticks.buffer,
    };
    const thread = new Worker(threadFile(), {
      workerData,
      name: 'lease',
      resourceLimits: { maxOldGenerationSizeMb: THREAD_MEMORY_MIB },
    });
    thread.unref();
    thread.on('message', (error: string) => this.logger.warn({ error }, 'the process lease could not be renewed'));
    thread.on('error', (error) => this.logger.error({ error: String(error) }, 'the thread of the lease has failed'));
    thread.once('exit', () => {
      if (this.thread === thread) this.thread = null;
    });
    this.thread = thread;
  }

  /** The event loop runs. */
  tick(): void {
    Atomics.add(this.ticks, 0, 1);
  }

  get isRunning(): boolean {
    return this.thread !== null;
  }

  /** Ends the thread, after a renewal that is under way. */
  async stop(): Promise<void> {
    const { thread } = this;
    this.thread = null;
    if (thread === null) return;
    const ended = once(thread, 'exit', { signal: AbortSignal.timeout(STOP_WITHIN_MS) });
    thread.postMessage('stop');
    await ended.catch(() => thread.terminate());
  }
}

/** Node.js runs the source as well as what was compiled from it. */
function threadFile(): URL {
  return new URL(`./lease-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);
}
