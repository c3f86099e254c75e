import { Injectable } from '@nestjs/common';
import { InFlight } from '../../platform/in-flight/index.js';
import type { RequestContext } from './context.js';

/**
 * The model calls that hold credits, or are about to. A call outlives its connection when the caller has left: it is read to
 * the end or billed for what was delivered, and a shutdown has to wait for that.
 */
@Injectable()
export class RunningCalls {
  private readonly running = new InFlight<RequestContext>();
  private onNone: () => void = () => undefined;

  /** Call before the freeze. */
  begin(context: RequestContext): void {
    context.place = this.running.enter(context);
  }

  /** Call when the outcome has been written, or nothing was frozen. */
  end(context: RequestContext): void {
    if (context.place === null) return;
    this.running.leave(context.place);
    context.place = null;
    if (this.running.size === 0) this.onNone();
  }

  /** Cancels every upstream call; what was delivered until now is billed. */
  cancel(): void {
    for (const context of this.running) context.cancelUpstream();
  }

  /** Waits until none runs. @returns how many still do after `timeoutMs`. */
  async untilNone(timeoutMs: number): Promise<number> {
    if (this.running.size === 0) return 0;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.onNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    return this.running.size;
  }
}
