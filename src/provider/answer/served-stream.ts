import type { CallSummary, DeliveredOutput, Rescue, StreamAnswer, StreamEvent, TokenUsage } from '../domain/call.js';
import type { Endpoint } from '../domain/endpoint.js';
import { UpstreamFailure } from '../domain/failure.js';
import { hiddenTokensOf } from '../domain/hidden-output.js';
import { streamBroken } from '../provider.errors.js';
import { Delivered } from '../rescue/delivered.js';
import { isRescuable } from '../rescue/rescue-request.js';
import type { StreamRescuer } from '../rescue/stream-rescuer.js';
import type { BegunStream } from '../attempt/attempt-runner.js';
import type { CallRun } from '../attempt/call-run.js';

/** The streamed answer as the gateway pulls it: chunks of one attempt, and of another one after a rescue. */
export class ServedStream implements StreamAnswer, AsyncIterableIterator<readonly StreamEvent[]> {
  readonly kind = 'stream';
  readonly firstTokenMs: number;
  private readonly sent = new Delivered();
  private rescued: Rescue | null = null;
  private prefilledTokens = 0;
  /** Characters that had been delivered before what the serving attempt has written. */
  private servedFromChars = 0;
  /** The prompt as the first provider counted it, when it did so before it broke. */
  private promptUsage: TokenUsage | null = null;
  private isComplete = false;
  private endedMs: number | null = null;

  constructor(
    private readonly run: CallRun,
    private current: BegunStream,
    private readonly rescuer: StreamRescuer,
  ) {
    this.firstTokenMs = Math.round(run.elapsedMs);
  }

  get endpoint(): Endpoint {
    return this.current.attempt.endpoint;
  }

  get attempts(): StreamAnswer['attempts'] {
    return this.run.attempts;
  }

  get events(): AsyncIterable<readonly StreamEvent[]> {
    return this;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<readonly StreamEvent[], undefined>> {
    while (this.endedMs === null) {
      try {
        const group = await this.current.stream.next();
        if (group === null) return this.complete();
        this.sent.add(group);
        return { done: false, value: group };
      } catch (error) {
        await this.breakOff(error);
      }
    }
    return { done: true, value: undefined };
  }

  /** The consumer has had enough: the upstream is cancelled. */
  return(): Promise<IteratorResult<readonly StreamEvent[], undefined>> {
    if (this.endedMs === null) {
      this.current.stream.cancel();
      // Whether the caller left or the gateway stopped (a quota): the endpoint did nothing wrong.
      const reason = this.run.request.signal.aborted ? 'caller_gone' : 'stopped';
      this.current.attempt.fail(new UpstreamFailure('caller_gone', reason, { status: 200 }));
      this.close();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  summary(): CallSummary {
    const usage = this.usage();
    return {
      usage,
      reportedUsage: usage === null || this.prefilledTokens > 0 ? null : this.current.stream.reader.reportedUsage,
      servedUsage: this.rescued === null ? null : this.usedByCurrent(this.isComplete),
      hiddenTokens: this.hiddenTokens(usage),
      endpoint: this.endpoint,
      attempts: this.run.attempts,
      rescued: this.rescued,
      complete: this.isComplete,
      finishReason: this.current.stream.reader.finishReason,
      firstTokenMs: this.firstTokenMs,
      durationMs: this.endedMs ?? Math.round(this.run.elapsedMs),
    };
  }

  delivered(): DeliveredOutput {
    return this.sent.output();
  }

  finishedChoices(): ReadonlySet<unknown> {
    return this.current.stream.reader.finished;
  }

  /** 0 after a rescue: which endpoint hid how much is unknown. */
  private hiddenTokens(usage: TokenUsage | null): number {
    if (usage === null || this.rescued !== null || !this.isComplete) return 0;
    return hiddenTokensOf(usage, this.current.stream.reader.reasoningTokens, this.sent.shown);
  }

  private complete(): IteratorResult<readonly StreamEvent[], undefined> {
    this.isComplete = true;
    this.current.attempt.succeed(this.current.stream.lostChunks);
    this.close();
    return { done: true, value: undefined };
  }

  /** Puts another stream in place of the broken one, or ends with the error that the consumer is to see. */
  private async breakOff(error: unknown): Promise<void> {
    const { stream, attempt } = this.current;
    stream.cancel();
    attempt.fail(error);
    try {
      if (!(error instanceof UpstreamFailure)) throw error;
      const continuation = isRescuable(this.run.request.body, stream.reader, this.sent)
        ? await this.rescuer.continue(this.run, this.sent)
        : null;
      if (continuation === null) throw streamBroken(this.run.attempts, error.failure === 'timeout', error);
      attempt.abandon(this.usedByCurrent(false));
      this.promptUsage ??= stream.reader.usage;
      this.servedFromChars = continuation.prefilledTokens > 0 ? this.sent.chars : 0;
      this.prefilledTokens = continuation.prefilledTokens;
      this.rescued = {
        from: attempt.endpoint.providerName,
        to: continuation.attempt.endpoint.providerName,
        afterChars: this.sent.chars,
      };
      this.current = continuation;
    } catch (final) {
      this.close();
      throw final;
    }
  }

  /** What the serving attempt has used at its provider, where its prompt and its output are other than the caller's. */
  private usedByCurrent(isComplete: boolean): TokenUsage {
    const { prefilledTokens, servedFromChars } = this;
    const text = this.sent.text().slice(servedFromChars);
    return this.rescuer.usedBy(this.current, isComplete, { body: this.run.request.body, prefilledTokens, text });
  }

  private close(): void {
    this.endedMs = Math.round(this.run.elapsedMs);
    this.run.close();
  }

  /**
   * The provider's count. After a prefill the delivered text was prompt there: it is moved back to the output, so that
   * the caller pays the prompt once and the output once.
   */
  private usage(): TokenUsage | null {
    const usage = this.current.stream.reader.countedUsage(this.isComplete);
    if (usage === null) return null;
    if (this.prefilledTokens === 0) return usage;
    const outputTokens = usage.outputTokens + this.prefilledTokens;
    if (this.promptUsage !== null) return { ...this.promptUsage, outputTokens };
    const prefilledInput = Math.min(usage.inputTokens, this.prefilledTokens);
    return {
      ...usage,
      inputTokens: usage.inputTokens - prefilledInput,
      // A cache may hold some of the delivered text already.
      cachedInputTokens: Math.max(0, usage.cachedInputTokens - (this.prefilledTokens - prefilledInput)),
      outputTokens,
    };
  }
}
