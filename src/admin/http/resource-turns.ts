import { Injectable } from '@nestjs/common';
import { AppError } from '../../platform/errors/index.js';

const WAITING_MAX = 500;

/**
 * Lets writes to one resource run one after the other in this process. The database orders those of several processes;
 * without this, a burst of writes to one resource would hold every connection of the pool while it waits there.
 */
@Injectable()
export class ResourceTurns {
  private readonly last = new Map<string, Promise<unknown>>();
  private waiting = 0;

  /**
   * Runs `work` after those that came before it for the same resource; at once without one.
   * @throws AppError `unavailable` when too many wait.
   */
  async take<T>(resource: string | null, work: () => Promise<T>): Promise<T> {
    if (resource === null) return work();
    if (this.waiting >= WAITING_MAX) throw tooManyWaiting();
    this.waiting += 1;
    const before = this.last.get(resource) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.last.set(resource, mine);
    try {
      return await mine;
    } finally {
      this.waiting -= 1;
      if (this.last.get(resource) === mine) this.last.delete(resource);
    }
  }
}

function tooManyWaiting(): AppError {
  return new AppError('unavailable', 'too many administrative requests wait', {
    code: 'overloaded',
    retryAfterS: 1,
    detail: `${WAITING_MAX} requests wait for their turn`,
  });
}
