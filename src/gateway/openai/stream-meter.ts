import { elasticStep, nextExtension, outputLimitOf, outputTokensFor, priceOf } from '../../billing/index.js';
import { micros, ZERO_MICROS, type Micros } from '../../platform/money/index.js';
import type { StreamEvent } from '../../provider/index.js';
import type { Price } from '../../router/index.js';

/** Bytes of UTF-8 to a token, on the low side for every script: the meter may be early, never late. */
const BYTES_PER_TOKEN = 3;

/** Once the wallet is dry every byte is a token until the next exact count: no text has more. */
const BYTES_PER_TOKEN_STRICT = 1;

export interface MeterLimits {
  price: Price;
  /** Output tokens, over all choices, that the freeze covers at first. */
  coveredTokens: number;
  /** Those among them that may come unseen: what is seen may not use them up. */
  hiddenTokens: number;
  /** Most output tokens, over all choices, that an obedient provider sends. */
  outputTokensMax: number;
}

/** Counts a stream's output roughly while it flows, and says when its freeze has to grow. */
export class StreamMeter {
  /** More than the maximum has come: the provider does not keep its word. */
  isPastMaximum = false;
  /** Tokens at which the stream is ended, paid for or not. */
  readonly limitTokens: number;
  private countedTokens = 0;
  private outputBytes = 0;
  private outputEvents = 0;
  private dataTokens = 0;
  private bytesPerToken = BYTES_PER_TOKEN;
  private coveredTokens: number;

  constructor(private readonly limits: MeterLimits) {
    this.coveredTokens = limits.coveredTokens;
    this.limitTokens = outputLimitOf(limits.outputTokensMax);
  }

  /** Adds what one group of events delivers. */
  add(events: readonly StreamEvent[]): void {
    for (const { outputBytes, dataTokens } of events) {
      this.dataTokens += dataTokens;
      if (outputBytes === 0) continue;
      this.outputBytes += outputBytes;
      this.outputEvents += 1;
    }
  }

  /** Tokens delivered so far: by bytes, and at least one an event. */
  get outputTokens(): number {
    const textTokens = Math.max(this.outputEvents, Math.ceil(this.outputBytes / this.bytesPerToken));
    return this.countedTokens + textTokens + Math.ceil(this.dataTokens);
  }

  /** More has flowed than is covered, or, before the maximum, all of it. */
  get usedUp(): boolean {
    const { outputTokens } = this;
    return this.coversMaximum ? outputTokens > this.coveredTokens : outputTokens >= this.seenCoveredTokens;
  }

  /** Covered tokens that are kept for output that cannot be seen; none once everything is covered. */
  get reservedTokens(): number {
    return this.coversMaximum ? 0 : this.limits.hiddenTokens;
  }

  /** Everything that an obedient provider sends is paid for. */
  get coversMaximum(): boolean {
    return this.coveredTokens >= this.limits.outputTokensMax;
  }

  /** So much is covered that the stream ends there. */
  get coversLimit(): boolean {
    return this.coveredTokens >= this.limitTokens;
  }

  /** Output tokens by which the freeze has to grow now; 0 when it need not. */
  get stepTokens(): number {
    const goalTokens = this.isPastMaximum ? this.limitTokens : this.limits.outputTokensMax;
    return nextExtension({
      deliveredTokens: this.outputTokens,
      coveredTokens: this.seenCoveredTokens,
      outputTokensMax: goalTokens - this.reservedTokens,
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

  /** What has flowed was counted with the tokenizer. */
  counted(tokens: number): void {
    this.countedTokens = tokens;
    this.outputBytes = 0;
    this.outputEvents = 0;
    this.dataTokens = 0;
    this.isPastMaximum ||= tokens > this.limits.outputTokensMax;
  }

  /** The wallet is dry: of what has flowed so many tokens were counted, and so many more are paid for. */
  leave(tokens: number, roomTokens: number): void {
    this.coveredTokens = tokens + roomTokens + this.reservedTokens;
    this.counted(tokens);
    this.bytesPerToken = BYTES_PER_TOKEN_STRICT;
  }

  private get seenCoveredTokens(): number {
    return this.coveredTokens - this.reservedTokens;
  }

  /** Nothing has flowed since the last exact count. */
  get isExact(): boolean {
    return this.outputBytes === 0 && this.dataTokens === 0;
  }

  /** It has been told that the wallet is dry. */
  get isStrict(): boolean {
    return this.bytesPerToken === BYTES_PER_TOKEN_STRICT;
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
