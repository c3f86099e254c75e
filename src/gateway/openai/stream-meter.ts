import { nextExtension, priceOf } from '../../billing/index.js';
import { micros, ZERO_MICROS, type Micros } from '../../platform/money/index.js';
import type { StreamEvent } from '../../provider/index.js';
import type { Price } from '../../router/index.js';

/** Characters to a token, on the low side: the meter may be early, never late. */
const CHARS_PER_TOKEN = 3;

export interface MeterLimits {
  price: Price;
  /** Output tokens, over all choices, that the freeze covers at first. */
  coveredTokens: number;
  /** Most output tokens that can come, over all choices. */
  outputTokensMax: number;
}

/** Counts a stream's output roughly while it flows, and says when its freeze has to grow. */
export class StreamMeter {
  private outputChars = 0;
  private outputEvents = 0;
  private coveredTokens: number;

  constructor(private readonly limits: MeterLimits) {
    this.coveredTokens = limits.coveredTokens;
  }

  /** Adds what one group of events delivers. */
  add(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (event.outputChars === 0) continue;
      this.outputChars += event.outputChars;
      this.outputEvents += 1;
    }
  }

  /** Tokens delivered so far: by characters, and at least one an event for scripts with a token a character. */
  get outputTokens(): number {
    return Math.max(this.outputEvents, Math.ceil(this.outputChars / CHARS_PER_TOKEN));
  }

  /** All of the covered output has flowed. */
  get usedUp(): boolean {
    return this.coveredTokens < this.limits.outputTokensMax && this.outputTokens >= this.coveredTokens;
  }

  /** Output tokens by which the freeze has to grow now; 0 when it need not. */
  get stepTokens(): number {
    const { coveredTokens, limits } = this;
    return nextExtension({
      deliveredTokens: this.outputTokens,
      coveredTokens,
      outputTokensMax: limits.outputTokensMax,
    });
  }

  /** Price of a step; at least one micro-credit, because an extension of nothing cannot be booked. */
  priceOfStep(tokens: number): Micros {
    const usage = { inputTokens: 0, outputTokens: tokens, cachedInputTokens: 0, cachedOutputTokens: 0 };
    const price = priceOf(usage, this.limits.price);
    return price > ZERO_MICROS ? price : micros(1);
  }

  /** The next step has been paid for. */
  extended(tokens: number): void {
    this.coveredTokens += tokens;
  }
}
