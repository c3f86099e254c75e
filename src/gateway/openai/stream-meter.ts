import { elasticStep, nextExtension, outputTokensFor, priceOf } from '../../billing/index.js';
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

/** After an exact count every character is a token until the next one: no script has more. */
const CHARS_PER_TOKEN_STRICT = 1;

/** Counts a stream's output roughly while it flows, and says when its freeze has to grow. */
export class StreamMeter {
  private countedTokens = 0;
  private outputChars = 0;
  private outputEvents = 0;
  private charsPerToken = CHARS_PER_TOKEN;
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
    return this.countedTokens + Math.max(this.outputEvents, Math.ceil(this.outputChars / this.charsPerToken));
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

  /** What has flowed was counted exactly: so many more tokens are paid for. */
  leave(roomTokens: number): void {
    this.countedTokens = this.outputTokens;
    this.outputChars = 0;
    this.outputEvents = 0;
    this.charsPerToken = CHARS_PER_TOKEN_STRICT;
    this.coveredTokens = this.countedTokens + roomTokens;
  }

  /** It has been told an exact count. */
  get isStrict(): boolean {
    return this.charsPerToken === CHARS_PER_TOKEN_STRICT;
  }

  /** Output tokens that an amount pays for. */
  tokensFor(amountMicros: bigint): number {
    return outputTokensFor(amountMicros, this.limits.price);
  }

  /** A step as the wallet bears it: smaller when little was left when it was last seen. */
  bearable(tokens: number, seenMicros: Micros | null): number {
    return elasticStep(tokens, seenMicros, this.limits.price, 1);
  }
}
