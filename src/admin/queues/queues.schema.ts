import { z } from 'zod';
import { JOB_STATES, QUEUE_NAMES, type JobRecord, type QueueState } from '../../platform/queue/index.js';
import { timeOrNull, timeOut } from '../http/fields.js';
import { pageQueryOf } from '../http/pagination.js';

const state = z.enum(JOB_STATES);
const count = z.int();

export const jobQuerySchema = z.strictObject({
  ...pageQueryOf(/^\d{1,9}$/),
  state: state.default('failed'),
});
export type JobQuery = z.output<typeof jobQuerySchema>;

export const queueSchema = z
  .object({
    name: z.enum(QUEUE_NAMES),
    backend: z.enum(['postgres', 'redis']),
    waiting: count,
    active: count,
    delayed: count.describe('Failed once and waiting for the next attempt.'),
    failed: count.describe('Out of attempts.'),
    oldest_at: timeOut.nullable().describe('When the oldest job was added that is waiting, active or delayed.'),
    oldest_failed_at: timeOut.nullable().describe('When the oldest failed job was added.'),
  })
  .meta({ id: 'Queue' });
export type QueueView = z.output<typeof queueSchema>;

export const queueListSchema = z.object({ data: z.array(queueSchema), next_cursor: z.null() });
export type QueueListView = z.output<typeof queueListSchema>;

export const jobSchema = z
  .object({
    id: z.string(),
    state,
    attempts: count,
    attempts_max: count,
    error: z.string().nullable().describe('Of the last attempt.'),
    added_at: timeOut,
    started_at: timeOut.nullable(),
    ended_at: timeOut.nullable(),
  })
  .meta({ id: 'Job' });
export type JobView = z.output<typeof jobSchema>;

export const jobsMovedSchema = z.object({ jobs: count.describe('How many.') }).meta({ id: 'JobsMoved' });
export type JobsMovedView = z.output<typeof jobsMovedSchema>;

export function queueView(queue: QueueState, backend: QueueView['backend']): QueueView {
  const { name, waiting, active, delayed, failed } = queue;
  const oldest = { oldest_at: timeOrNull(queue.oldestAt), oldest_failed_at: timeOrNull(queue.oldestFailedAt) };
  return { name, backend, waiting, active, delayed, failed, ...oldest };
}

export function jobView(job: JobRecord): JobView {
  return {
    id: job.id,
    state: job.state,
    attempts: job.attempts,
    attempts_max: job.attemptsMax,
    error: job.error,
    added_at: job.addedAt.toISOString(),
    started_at: timeOrNull(job.startedAt),
    ended_at: timeOrNull(job.endedAt),
  };
}
