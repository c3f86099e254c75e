/** Work of one request runs for at most so long before everything else has its turn. */
const SLICE_MS = 5;

/** Long work that waits for its turn. Each turn of the event loop serves one: many long requests together hold it no longer than one. */
class TurnQueue {
  private waiting: (() => void)[] = [];
  private immediate: NodeJS.Immediate | null = null;

  join(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.schedule();
    });
  }

  private schedule(): void {
    this.immediate ??= setImmediate(() => {
      this.immediate = null;
      this.waiting.shift()?.();
      if (this.waiting.length > 0) this.schedule();
    });
  }
}

const turns = new TurnQueue();

/** Cuts long work into slices: between two of them the event loop serves everything else. */
export class TimeSlices {
  private startedMs = performance.now();

  /** Waits for a turn of its own when this slice is used up. */
  async pause(): Promise<void> {
    if (performance.now() - this.startedMs >= SLICE_MS) await this.next();
  }

  /** Waits for a turn of its own. */
  async next(): Promise<void> {
    await turns.join();
    this.startedMs = performance.now();
  }
}
