/** Runs rounds one after the other with a pause between them, until it is stopped. Keeps no process alive. */
export class Every {
  private readonly end = new AbortController();
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<void> = Promise.resolve();

  /**
   * @param round gets a signal that ends with `stop`.
   * @param onFailure hears of rounds that failed; the next one comes all the same.
   */
  constructor(
    private readonly pauseMs: number,
    private readonly round: (ending: AbortSignal) => Promise<unknown>,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  /** What rounds may ask between their steps. */
  get stopped(): boolean {
    return this.end.signal.aborted;
  }

  start(firstAfterMs = this.pauseMs): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.round(this.end.signal)
        .then(() => undefined, this.onFailure)
        .finally(() => this.start());
    }, firstAfterMs).unref();
  }

  /** For rounds of many short steps: takes one after the other until one says that nothing is left, or the rounds are stopped. */
  async repeat(step: () => Promise<boolean>): Promise<void> {
    let more = true;
    while (more && !this.stopped) more = await step();
  }

  /** Begins no further round. @returns when the one that runs has ended. */
  async stop(): Promise<void> {
    this.end.abort();
    if (this.timer !== null) clearTimeout(this.timer);
    await this.running;
  }
}
