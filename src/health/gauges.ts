import { Injectable } from '@nestjs/common';
import { EventLog } from '../events/index.js';
import { Clock } from '../platform/clock/index.js';
import { DatabasePool } from '../platform/database/index.js';
import { MeasuredGauges } from './measured-gauges.js';
import { JOB_STATES, QueueAdmin, QUEUE_NAMES } from '../platform/queue/index.js';
import { WalletService } from '../wallet/index.js';

/** What is measured when somebody looks: states of the money, the queues and the pools. */
@Injectable()
export class Gauges {
  constructor(
    private readonly measured: MeasuredGauges,
    private readonly wallets: WalletService,
    private readonly queues: QueueAdmin,
    private readonly clock: Clock,
    private readonly pool: DatabasePool,
    private readonly events: EventLog,
  ) {
    this.freezes();
    this.jobs();
    this.connections();
    this.webhooks();
  }

  private freezes(): void {
    const oldest = this.measured.gauge(
      'wallet_oldest_freeze_age_seconds',
      'Age of the oldest freeze that has not ended.',
    );
    this.measured.gauge('wallet_freezes_open', 'Freezes that have not ended.', [], async (gauge) => {
      const { count, oldestAt } = await this.wallets.openFreezes();
      gauge.set(count);
      oldest.set(this.ageS(oldestAt));
    });
  }

  private jobs(): void {
    const oldest = this.measured.gauge(
      'queue_oldest_job_age_seconds',
      'Age of the oldest job, by whether it has failed.',
      ['queue', 'failed'],
    );
    this.measured.gauge('queue_jobs', 'Jobs by queue and state.', ['queue', 'state'], async (gauge) => {
      for (const queue of QUEUE_NAMES) {
        const state = await this.queues.state(queue);
        for (const name of JOB_STATES) gauge.set({ queue, state: name }, state[name]);
        oldest.set({ queue, failed: 'false' }, this.ageS(state.oldestAt));
        oldest.set({ queue, failed: 'true' }, this.ageS(state.oldestFailedAt));
      }
    });
  }

  private connections(): void {
    this.measured.gauge(
      'database_connections',
      'Connections of the pool for everything but hot statements.',
      ['state'],
      (gauge) => {
        const { total, idle, waiting } = this.pool.counts();
        gauge.set({ state: 'busy' }, total - idle);
        gauge.set({ state: 'idle' }, idle);
        gauge.set({ state: 'waited_for' }, waiting);
      },
    );
  }

  private webhooks(): void {
    const oldest = this.measured.gauge(
      'gateway_webhook_oldest_due_seconds',
      'How long the oldest delivery to a webhook has been due.',
    );
    this.measured.gauge(
      'gateway_webhook_backlog',
      'Deliveries that enabled webhooks have not taken yet.',
      [],
      async (gauge) => {
        const { pending, oldestDueMs } = await this.events.backlog();
        gauge.set(pending);
        oldest.set(oldestDueMs / 1000);
      },
    );
  }

  private ageS(since: Date | null): number {
    return since === null ? 0 : Math.max(0, this.clock.nowMs() - since.getTime()) / 1000;
  }
}
