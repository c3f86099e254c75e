import { setTimeout as sleep } from 'node:timers/promises';
import { ANSWER_LEAST_TOKENS } from '../../billing/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { ExtendRequest, WalletService } from '../../wallet/index.js';
import type { StreamMeter } from './stream-meter.js';

/** A refused step is tried again at a quarter of its size, down to the least. */
const STEP_DIVISOR = 4;
/** How long a stream whose wallet is dry waits for credits that other requests give back. */
const DRY_WAIT_MS = 2_000;
const DRY_POLL_MS = 100;

/** What the extender knows of its stream and of its wallet. */
export interface StreamBooks {
  base: Omit<ExtendRequest, 'extraMicros'>;
  /** What was last seen available in the wallet; `null` when nothing is known. */
  seenMicros: () => Micros | null;
  /** What has come, counted with the tokenizer: asked where the rough count reaches the maximum, or the end of a wallet. */
  deliveredTokens: () => number;
  /** What is frozen less what so many output tokens cost. */
  roomMicros: (outputTokens: number) => bigint;
  /** Whether other requests hold credits of the wallet that may come back. */
  othersHold: () => Promise<boolean>;
  onExtended: (frozenMicros: Micros) => void;
  gone: AbortSignal;
}

/** Grows the freeze of one stream ahead of its output, so that the stream rarely waits for it. */
export class FreezeExtender {
  private pending: Promise<void> | null = null;
  private isDry = false;

  constructor(
    private readonly wallets: Pick<WalletService, 'extend'>,
    readonly meter: StreamMeter,
    private readonly books: StreamBooks,
  ) {}

  /**
   * Call with every group of events, metered and not delivered yet.
   * @returns `false` when the stream has to stop: more has come than is paid for and the wallet has no more, or the provider
   *   goes on a step past its maximum.
   */
  async keepAhead(): Promise<boolean> {
    if (!this.isDry && this.meter.stepTokens > 0) this.pending ??= this.extend();
    if (this.isDry && !this.meter.isStrict) this.countRoom();
    while (this.meter.usedUp) {
      if (this.pending !== null) await this.pending;
      else if (this.meter.coversMaximum && !this.meter.isExact) this.meter.counted(this.books.deliveredTokens());
      else if (this.meter.coversLimit) return false;
      else if (!this.isDry) this.pending = this.extend();
      else if (this.countRoom() >= 0n) return true;
      else if (this.meter.isPastMaximum || !(await this.awaitCredits())) return false;
    }
    return true;
  }

  /** Waits for an extension that is under way, so that none arrives after the outcome. */
  async settled(): Promise<void> {
    await this.pending;
  }

  /** The meter is early on purpose: near the end the tokenizer says how much is really left. @returns that in credits. */
  private countRoom(): bigint {
    const tokens = this.books.deliveredTokens();
    const roomMicros = this.books.roomMicros(tokens + this.meter.reservedTokens);
    // What is missing has to be paid for before anything more is delivered.
    const roomTokens = roomMicros < 0n ? -this.meter.tokensFor(-roomMicros) - 1 : this.meter.tokensFor(roomMicros);
    this.meter.leave(tokens, roomTokens);
    return roomMicros;
  }

  /** Other requests of the wallet end and give back what they did not use. */
  private async awaitCredits(): Promise<boolean> {
    const untilMs = performance.now() + DRY_WAIT_MS;
    for (;;) {
      await this.extend();
      if (!this.isDry) return true;
      if (performance.now() > untilMs || this.books.gone.aborted || !(await this.books.othersHold())) return false;
      await sleep(DRY_POLL_MS);
    }
  }

  private async extend(): Promise<void> {
    const wanted = Math.max(this.meter.stepTokens, ANSWER_LEAST_TOKENS);
    let tokens = this.meter.bearable(wanted, this.books.seenMicros());
    try {
      for (;;) {
        const extraMicros = this.meter.priceOfStep(tokens);
        const result = await this.wallets.extend({ ...this.books.base, extraMicros });
        this.isDry = !result.ok;
        if (result.ok) {
          this.meter.extended(tokens);
          this.books.onExtended(result.frozenMicros);
          return;
        }
        if (result.refusal !== 'wallet_too_low' || tokens <= ANSWER_LEAST_TOKENS) return;
        tokens = Math.max(ANSWER_LEAST_TOKENS, Math.floor(tokens / STEP_DIVISOR));
      }
    } catch {
      // Without a database nothing more can be promised; the part that is paid for still flows.
      this.isDry = true;
    } finally {
      this.pending = null;
    }
  }
}
