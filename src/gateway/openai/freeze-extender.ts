import type { ExtendRequest, WalletService } from '../../wallet/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { StreamMeter } from './stream-meter.js';

/** Grows the freeze of one stream ahead of its output, so that the stream rarely waits for it. */
export class FreezeExtender {
  private pending: Promise<void> | null = null;
  private isDry = false;

  constructor(
    private readonly wallets: Pick<WalletService, 'extend'>,
    readonly meter: StreamMeter,
    private readonly base: Omit<ExtendRequest, 'extraMicros'>,
    private readonly onExtended: (frozenMicros: Micros) => void,
  ) {}

  /**
   * Call after every group of events.
   * @returns `false` when all that is paid for has flowed and the wallet has no more: the stream has to stop.
   */
  async keepAhead(): Promise<boolean> {
    if (!this.isDry && this.meter.stepTokens > 0) this.pending ??= this.extend();
    while (this.meter.usedUp) {
      if (this.pending === null) {
        if (this.isDry) return false;
        this.pending = this.extend();
      }
      await this.pending;
    }
    return true;
  }

  /** Waits for an extension that is under way, so that none arrives after the outcome. */
  async settled(): Promise<void> {
    await this.pending;
  }

  private async extend(): Promise<void> {
    const tokens = this.meter.stepTokens;
    try {
      const result = await this.wallets.extend({ ...this.base, extraMicros: this.meter.priceOfStep(tokens) });
      if (result.ok) {
        this.meter.extended(tokens);
        this.onExtended(result.frozenMicros);
      } else {
        this.isDry = true;
      }
    } catch {
      // Without a database nothing more can be promised; the part that is paid for still flows.
      this.isDry = true;
    } finally {
      this.pending = null;
    }
  }
}
