import { Injectable } from '@nestjs/common';
import { JobQueues } from './job-queues.js';
import { QUEUE_NAMES } from './queues.js';

/** What a health probe may ask of the queues. */
@Injectable()
export class QueueHealth {
  constructor(private readonly queues: JobQueues) {}

  /** @throws AppError `unavailable` when the back end of a queue does not answer. */
  async ping(): Promise<void> {
    await Promise.all(QUEUE_NAMES.map((name) => this.queues.counts(name)));
  }
}
