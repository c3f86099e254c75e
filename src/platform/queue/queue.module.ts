import { Global, Module } from '@nestjs/common';
import { JobQueues } from './job-queues.js';
import { QueueHealth } from './queue-health.js';

/** The queues of the process, for any module that adds or does jobs. */
@Global()
@Module({ providers: [JobQueues, QueueHealth], exports: [JobQueues, QueueHealth] })
export class QueueModule {}
