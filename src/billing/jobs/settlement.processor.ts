import { Injectable } from '@nestjs/common';
import { JobQueues } from '../../platform/queue/index.js';
import { SettlementService } from '../settlement.service.js';

/** Does the jobs of the `settlement` queue. */
@Injectable()
export class SettlementProcessor {
  constructor(queues: JobQueues, settlement: SettlementService) {
    queues.handle('settlement', async () => {
      await settlement.settlePending();
    });
  }
}
