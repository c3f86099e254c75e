import { Injectable } from '@nestjs/common';

/** Whether this process still takes new work. */
@Injectable()
export class ServingState {
  private stopping = false;

  get isStopping(): boolean {
    return this.stopping;
  }

  /** Says good-bye to load balancers; what runs goes on. */
  startStopping(): void {
    this.stopping = true;
  }
}
