import type { Worker } from 'bullmq';

const ERRORS_MAX = 10;
const WINDOW_MS = 1_000;
const PAUSE_MS = 1_000;

/**
 * Slows a worker whose back end refuses it. BullMQ waits between tries only after errors of the connection; any other
 * answer, such as a refused login, it takes as a reason to ask again at once, for ever, with all of a processor.
 */
export class ErrorBrake {
  private errorCount = 0;
  private windowStartMs = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly worker: Pick<Worker, 'pause' | 'resume'>) {}

  /** Call on every error of the worker. */
  press(nowMs: number): void {
    if (nowMs - this.windowStartMs > WINDOW_MS) {
      this.windowStartMs = nowMs;
      this.errorCount = 0;
    }
    this.errorCount += 1;
    if (this.errorCount <= ERRORS_MAX || this.timer !== null) return;
    void this.worker.pause(true);
    this.timer = setTimeout(() => this.release(), PAUSE_MS).unref();
  }

  /** Ends a pause for good; call before the worker is closed. */
  stop(): void {
    if (this.timer !== null) clearTimeout(this.timer);
  }

  private release(): void {
    this.timer = null;
    void this.worker.resume();
  }
}
