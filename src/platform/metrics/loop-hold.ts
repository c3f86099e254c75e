const TICK_MS = 10;
const MS_PER_US = 1 / 1_000;

/**
 * How long the event loop was held by work of this process: CPU time of its thread between two ticks of a timer. Unlike the delay
 * of the loop it does not grow because other programs use the machine.
 */
export class LoopHold {
  private longest = 0;
  private last = process.threadCpuUsage();

  constructor() {
    setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** Milliseconds of the longest hold since the last call; at least a tick's worth under load. */
  takeLongestMs(): number {
    const { longest } = this;
    this.longest = 0;
    return longest;
  }

  private tick(): void {
    const now = process.threadCpuUsage();
    const usedUs = now.user - this.last.user + (now.system - this.last.system);
    this.last = now;
    this.longest = Math.max(this.longest, usedUs * MS_PER_US);
  }
}
