import { Injectable } from '@nestjs/common';
import type { RequestContext } from './context.js';

/**
 * The model calls that hold credits, or are about to. A call outlives its connection when the caller has left: it is read to
 * the end or billed for what was delivered, and a shutdown has to wait for that.
 */
@Injectable()
export class RunningCalls {
  private readonly running = new Set<RequestContext>();
  private onNone: () => void = () => undefined;

  /** Call before the freeze. */
  begin(context: RequestContext): void {
    this.running.add(context);
  }

  /** Call when the outcome has been written, or nothing was frozen. */
  end(context: RequestContext): void {
    this.running.delete(context);
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
