import { Global, Module } from '@nestjs/common';
import { JobQueues } from './job-queues.js';
import { QueueAdmin } from './queue-admin.js';
import { QueueHealth } from './queue-health.js';

/** The queues of the process, for any module that adds or does jobs. */
@Global()
@Module({ providers: [JobQueues, QueueAdmin, QueueHealth], exports: [JobQueues, QueueAdmin, QueueHealth] })
export class QueueModule {}
