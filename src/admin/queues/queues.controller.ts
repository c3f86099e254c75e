import { Delete, Get, Param, Post, Query } from '@nestjs/common';
import { JobQueues, QUEUE_NAMES, QueueAdmin, type QueueName } from '../../platform/queue/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { encodeCursor, pageOf, type Page } from '../http/pagination.js';
import { Written } from '../http/written.js';
import {
  jobQuerySchema,
  jobSchema,
  jobsMovedSchema,
  jobView,
  queueListSchema,
  queueSchema,
  queueView,
  type JobQuery,
  type JobsMovedView,
  type JobView,
  type QueueListView,
  type QueueView,
} from './queues.schema.js';

const TAG = 'Queues';
const RESOURCE = 'queue';
const NEVER_LOST = 'Jobs only say that there is work; a dropped one loses no outcome: the sweeper adds another.';

/** The job queues. Jobs live outside the transaction of a write, so these are audited when they are done. */
@AdminController('queues')
export class QueuesController {
  constructor(
    private readonly queues: JobQueues,
    private readonly admin: QueueAdmin,
  ) {}

  @Get()
  @AdminOperation({ summary: 'Depth, oldest and failed jobs of every queue', tag: TAG, response: queueListSchema })
  async list(): Promise<QueueListView> {
    return { data: await Promise.all(QUEUE_NAMES.map((name) => this.read(name))), next_cursor: null };
  }

  @Get(':queue')
  @AdminOperation({ summary: 'Depth, oldest and failed jobs of a queue', tag: TAG, response: queueSchema })
  async read(@Param('queue') name: QueueName): Promise<QueueView> {
    return queueView(await this.admin.state(name), this.queues.backendKind);
  }

  @Get(':queue/jobs')
  @AdminOperation({
    summary: 'List the jobs of a queue in one state, newest first',
    description: 'Pages are cut while jobs move; a job may be passed over or shown twice.',
    tag: TAG,
    query: jobQuerySchema,
    response: pageOf(jobSchema),
  })
  async jobs(@Param('queue') name: QueueName, @Query() query: JobQuery): Promise<Page<JobView>> {
    const offset = Number(query.cursor ?? 0);
    const found = await this.admin.jobs(name, query.state, offset, query.limit + 1);
    const nextCursor = found.length > query.limit ? encodeCursor(String(offset + query.limit)) : null;
    return { data: found.slice(0, query.limit).map(jobView), next_cursor: nextCursor };
  }

  @Get(':queue/jobs/:job_id')
  @AdminOperation({ summary: 'Read a job', tag: TAG, response: jobSchema })
  async job(@Param('queue') name: QueueName, @Param('job_id') id: string): Promise<JobView> {
    return jobView(await this.admin.job(name, id));
  }

  @Post(':queue/retry')
  @AdminOperation({
    summary: 'Retry every failed job of a queue',
    tag: TAG,
    response: jobsMovedSchema,
    write: { action: 'queue.retry', transaction: 'own' },
  })
  async retryAll(@Param('queue') name: QueueName): Promise<Written<JobsMovedView>> {
    return moved(name, await this.admin.retryFailed(name));
  }

  @Post(':queue/drop')
  @AdminOperation({
    summary: 'Drop every failed job of a queue',
    description: NEVER_LOST,
    tag: TAG,
    response: jobsMovedSchema,
    write: { action: 'queue.drop', transaction: 'own' },
  })
  async dropAll(@Param('queue') name: QueueName): Promise<Written<JobsMovedView>> {
    return moved(name, await this.admin.dropFailed(name));
  }

  @Post(':queue/jobs/:job_id/retry')
  @AdminOperation({
    summary: 'Retry a failed job',
    tag: TAG,
    response: jobSchema,
    write: { action: 'queue.retry_job', transaction: 'own' },
  })
  async retry(@Param('queue') name: QueueName, @Param('job_id') id: string): Promise<Written<JobView>> {
    const before = jobView(await this.admin.job(name, id));
    const after = jobView(await this.admin.retry(name, id));
    return new Written(after, { resource: RESOURCE, resourceId: `${name}/${id}`, before, after });
  }

  @Delete(':queue/jobs/:job_id')
  @AdminOperation({
    summary: 'Drop a job',
    description: `${NEVER_LOST} A job that a worker has is a 409.`,
    tag: TAG,
    status: 204,
    write: { action: 'queue.drop_job', transaction: 'own' },
  })
  async drop(@Param('queue') name: QueueName, @Param('job_id') id: string): Promise<Written<undefined>> {
    const before = jobView(await this.admin.drop(name, id));
    return new Written(undefined, { resource: RESOURCE, resourceId: `${name}/${id}`, before, after: null });
  }
}

function moved(name: QueueName, jobs: number): Written<JobsMovedView> {
  const after = { jobs };
  return new Written(after, { resource: RESOURCE, resourceId: name, before: null, after });
}
