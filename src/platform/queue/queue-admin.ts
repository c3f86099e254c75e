import { Injectable } from '@nestjs/common';
import { AppError } from '../errors/index.js';
import { JobQueues, type JobQueue, type QueueCounts } from './job-queues.js';
import type { QueueName } from './queues.js';

/** States of jobs that are kept; finished ones are not. */
export const JOB_STATES = ['waiting', 'active', 'delayed', 'failed'] as const;
export type JobState = (typeof JOB_STATES)[number];

/** Jobs that one call retries or drops; a queue keeps fewer failed ones. */
const AT_ONCE_MAX = 1_000;

export interface QueueState extends QueueCounts {
  name: QueueName;
  /** When the oldest job was added that is not finished and has not failed. */
  oldestAt: Date | null;
  /** When the oldest failed job was added. */
  oldestFailedAt: Date | null;
}

export interface JobRecord {
  id: string;
  state: JobState;
  attempts: number;
  attemptsMax: number;
  /** Of the last attempt. */
  error: string | null;
  addedAt: Date;
  startedAt: Date | null;
  endedAt: Date | null;
}

type Job = Awaited<ReturnType<JobQueue['getJobs']>>[number];

/** What an operator sees and does of the queues. Jobs are prompts to look for work; the work itself is in tables. */
@Injectable()
export class QueueAdmin {
  constructor(private readonly queues: JobQueues) {}

  /** @throws AppError `unavailable` when the back end does not answer. */
  async state(name: QueueName): Promise<QueueState> {
    const counts = await this.queues.counts(name);
    const oldest = (state: JobState): Promise<number | null> => this.oldest(name, state, counts[state]);
    const open = await Promise.all([oldest('waiting'), oldest('active'), oldest('delayed')]);
    const times = open.filter((time) => time !== null);
    const oldestMs = times.length === 0 ? null : Math.min(...times);
    const oldestFailedMs = await oldest('failed');
    return { name, ...counts, oldestAt: dateOrNull(oldestMs), oldestFailedAt: dateOrNull(oldestFailedMs) };
  }

  /** Jobs of one state, newest first. @param offset how many to pass over. */
  async jobs(name: QueueName, state: JobState, offset: number, limit: number): Promise<JobRecord[]> {
    const jobs = await this.queues.ask(name, (queue) => queue.getJobs([state], offset, offset + limit - 1));
    return jobs.map((job) => recordOf(job, state));
  }

  /** @throws AppError `not_found`. */
  async job(name: QueueName, id: string): Promise<JobRecord> {
    const { job, state } = await this.find(name, id);
    return recordOf(job, state);
  }

  /** Lets a failed job run again. @throws AppError `not_found`; `conflict` when it has not failed. */
  async retry(name: QueueName, id: string): Promise<JobRecord> {
    const { job, state } = await this.find(name, id);
    if (state !== 'failed') throw jobNotFailed(state);
    await this.queues.ask(name, () => job.retry('failed'));
    return recordOf(job, 'waiting');
  }

  /** Removes a job. @throws AppError `not_found`; `conflict` when a worker has it. */
  async drop(name: QueueName, id: string): Promise<JobRecord> {
    const { job, state } = await this.find(name, id);
    const removed = state === 'active' ? 0 : await this.queues.ask(name, (queue) => queue.remove(id));
    if (removed === 0) throw jobActive();
    return recordOf(job, state);
  }

  /** Lets all failed jobs run again. @returns how many. */
  async retryFailed(name: QueueName): Promise<number> {
    return this.eachFailed(name, async (job) => job.retry('failed'));
  }

  /** Removes all failed jobs. @returns how many. */
  async dropFailed(name: QueueName): Promise<number> {
    return this.eachFailed(name, async (job, queue) => queue.remove(String(job.id)));
  }

  private async eachFailed(name: QueueName, act: (job: Job, queue: JobQueue) => Promise<unknown>): Promise<number> {
    const jobs = await this.queues.ask(name, (queue) => queue.getJobs(['failed'], 0, AT_ONCE_MAX - 1));
    let count = 0;
    for (const job of jobs) {
      try {
        await this.queues.ask(name, (queue) => act(job, queue));
        count += 1;
      } catch (error) {
        // Somebody else retried or dropped it meanwhile: then it has not failed any more.
        if ((await this.queues.ask(name, () => job.getState())) === 'failed') throw error;
      }
    }
    return count;
  }

  private async find(name: QueueName, id: string): Promise<{ job: Job; state: JobState }> {
    const found = await this.read(name, id);
    const stateName = await this.queues.ask(name, () => found.getState());
    const state = JOB_STATES.find((known) => known === stateName);
    if (state === undefined) throw jobNotFound();
    // Read after its state: a job that has just failed has its reason by then.
    return { job: await this.read(name, id), state };
  }

  private async read(name: QueueName, id: string): Promise<Job> {
    const job = await this.queues.ask(name, (queue) => queue.getJob(id));
    if (job === undefined) throw jobNotFound();
    return job;
  }

  /** The last of `count` jobs: both back ends list newest first. `null` when it has moved on meanwhile. */
  private async oldest(name: QueueName, state: JobState, count: number): Promise<number | null> {
    if (count === 0) return null;
    const [job] = await this.queues.ask(name, (queue) => queue.getJobs([state], count - 1, count - 1));
    return job?.timestamp ?? null;
  }
}

function recordOf(job: Job, state: JobState): JobRecord {
  // Unlike its type says, it is missing until an attempt has failed.
  const failure = job.failedReason as string | undefined;
  return {
    id: String(job.id),
    state,
    attempts: job.attemptsMade,
    attemptsMax: job.opts.attempts ?? 1,
    error: state === 'failed' || state === 'delayed' ? (failure ?? null) : null,
    addedAt: new Date(job.timestamp),
    startedAt: dateOrNull(job.processedOn),
    endedAt: dateOrNull(job.finishedOn),
  };
}

function dateOrNull(timeMs: number | null | undefined): Date | null {
  return timeMs === null || timeMs === undefined ? null : new Date(timeMs);
}

function jobNotFound(): AppError {
  return new AppError('not_found', 'there is no such job', { code: 'job_not_found' });
}

function jobNotFailed(state: JobState): AppError {
  return new AppError('conflict', `the job is ${state}; only a failed one can be retried`, { code: 'job_not_failed' });
}

function jobActive(): AppError {
  return new AppError('conflict', 'a worker has the job; it cannot be dropped now', { code: 'job_active' });
}
