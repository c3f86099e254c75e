/** `npm start` hands a Ctrl-C on to a process that has got it from the terminal already: one keystroke, two signals. */
const SAME_KEYSTROKE_MS = 1_000;

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** Exit code of a shutdown that a later second signal cut short. */
const FORCED_EXIT_CODE = 1;

/** The wish to end, from the first signal on. A second one, more than a second later, ends the process at once. */
export class StopSignal {
  private readonly controller = new AbortController();
  private firstAtMs = 0;

  /** Listens from now on, also while the process is still starting. */
  constructor() {
    for (const name of SIGNALS) process.on(name, () => this.hear());
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Settles with the first signal. */
  async received(): Promise<void> {
    if (this.signal.aborted) return;
    await new Promise<void>((resolve) => this.signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  private hear(): void {
    if (!this.signal.aborted) {
      this.firstAtMs = performance.now();
      this.controller.abort();
    } else if (performance.now() - this.firstAtMs > SAME_KEYSTROKE_MS) {
      process.exit(FORCED_EXIT_CODE);
    }
  }
}
