import { Injectable } from '@nestjs/common';
import { attemptFactsOf, maximumOf, rescueFactsOf, type Outcome } from '../../billing/index.js';
import type { CallSummary, DeliveredOutput, StreamAnswer, StreamEvent } from '../../provider/index.js';
import { WalletService } from '../../wallet/index.js';
import { CLIENT_CLOSED_STATUS, type CallerConnection } from '../pipeline/caller-connection.js';
import { filled, outgrownFactsOf, type HeldFreeze, type RequestContext } from '../pipeline/context.js';
import { keyLimitsOf } from '../pipeline/key-limits.js';
import { RequestJournal } from '../pipeline/request-journal.js';
import { streamHeadersOf } from './answer-headers.js';
import { metadataOf, usdCostOf } from './answer-metadata.js';
import { boundsOf } from './call-bounds.js';
import { DeliveredBill } from './delivered-bill.js';
import { FreezeExtender } from './freeze-extender.js';
import { OutcomeRecorder, type EndReason } from './outcome-recorder.js';
import { callerUsageOf } from './caller-usage.js';
import { chunkHeadOf, chunkOf, DONE_FRAME, finishedIn, framesOf, type ChunkHead } from './stream-frames.js';
import { paidPart, type PaidPart } from './paid-part.js';
import { StreamMeter } from './stream-meter.js';
import { UsageEstimator } from './usage-estimator.js';

const NOTHING: DeliveredOutput = { text: '', dataTokens: 0 };

/** How the pumping of a stream ended. */
interface PumpEnd {
  reason: Extract<EndReason, 'complete' | 'caller_gone' | 'upstream_cut' | 'quota_stop' | 'maximum_exceeded'>;
  error: Error | null;
  head: ChunkHead;
  /** The caller was still there for at least one group of events. */
  reachedCaller: boolean;
  /** What reached the caller, when that is less than what the provider sent. */
  paid: DeliveredOutput | null;
  /** Choices that the gateway has stopped. */
  stopped: readonly number[];
}

/** Forwards a stream chunk by chunk, meters it in passing, and ends it only after its outcome is durable. */
@Injectable()
export class StreamRelay {
  constructor(
    private readonly wallets: WalletService,
    private readonly outcomes: OutcomeRecorder,
    private readonly journal: RequestJournal,
    private readonly estimator: UsageEstimator,
  ) {}

  /**
   * @throws AppError when the stream broke; what was delivered has been captured by then.
   */
  async relay(context: RequestContext, answer: StreamAnswer): Promise<void> {
    const { caller } = context;
    if (!caller.committed && !caller.gone.aborted) caller.openStream(streamHeadersOf(context));
    const end = await this.pump(context, answer);
    context.stopKeepAlive();
    const outcome = await this.record(context, answer, end);
    if (end.error !== null) throw end.error;
    const isWhole = this.finish(context, outcome, end, answer.summary().reportedUsage);
    context.note('capture', deliveryFactsOf(context.caller, isWhole));
    this.journal.finished(context, outcome.status);
  }

  private async pump(context: RequestContext, answer: StreamAnswer): Promise<PumpEnd> {
    const { caller } = context;
    const drains = answer.endpoint.hangupBilling === 'drain';
    const bill = new DeliveredBill(this.estimator, filled(context.body, 'body'), filled(context.route, 'route').price);
    const extender = this.extenderOf(context, answer, bill);
    const end: PumpEnd = {
      reason: 'complete',
      error: null,
      head: fallbackHead(context),
      reachedCaller: false,
      paid: null,
      stopped: [],
    };
    let isFirst = true;
    try {
      for await (const events of answer.events) {
        if (isFirst) end.head = chunkHeadOf(events[0], end.head);
        isFirst = false;
        end.reachedCaller ||= !caller.gone.aborted;
        extender.meter.add(events);
        if (!(await extender.keepAhead())) {
          const stop = extender.meter.isPastMaximum ? 'maximum_exceeded' : 'quota_stop';
          end.reason = caller.gone.aborted && !drains ? 'caller_gone' : stop;
          const part = this.paidPartOf(context, bill, extender.meter, events, answer.delivered());
          end.paid = part.delivered;
          end.stopped = stoppedChoices(context, answer, events.slice(part.events.length));
          await caller.write(framesOf(part.events, wantsUsage(context)));
          break;
        }
        await caller.write(framesOf(events, wantsUsage(context)));
        if (caller.gone.aborted && !drains) {
          end.reason = 'caller_gone';
          break;
        }
      }
    } catch (error) {
      end.reason = caller.gone.aborted && !drains ? 'caller_gone' : 'upstream_cut';
      end.error = end.reason === 'caller_gone' ? null : asError(error);
    }
    await extender.settled();
    return end;
  }

  private paidPartOf(
    context: RequestContext,
    bill: DeliveredBill,
    { limitTokens }: StreamMeter,
    group: readonly StreamEvent[],
    all: DeliveredOutput,
  ): PaidPart {
    const { amountMicros } = filled(context.freeze, 'freeze');
    return paidPart(group, all, (part) => {
      const tokens = bill.outputTokens(part);
      return tokens <= limitTokens && bill.costOf(tokens) <= amountMicros;
    });
  }

  private extenderOf(context: RequestContext, answer: StreamAnswer, bill: DeliveredBill): FreezeExtender {
    const key = filled(context.key, 'key');
    const route = filled(context.route, 'route');
    const freeze = filled(context.freeze, 'freeze');
    const accountId = key.billingAccountId;
    const meter = new StreamMeter({
      price: route.price,
      coveredTokens: freeze.estimate.outputTokens,
      hiddenTokens: freeze.estimate.hiddenTokens,
      outputTokensMax: maximumOf(boundsOf(context, answer.endpoint)),
    });
    return new FreezeExtender(this.wallets, meter, {
      base: { id: context.requestId, accountId, limits: keyLimitsOf(key, false) },
      seenMicros: () => this.wallets.lastSeenMicros(accountId, freeze.tier),
      deliveredTokens: () => bill.outputTokens(answer.delivered()),
      roomMicros: (outputTokens) => freeze.amountMicros - bill.costOf(outputTokens),
      othersHold: () => this.othersHold(accountId, freeze),
      onExtended: (frozenMicros) => (freeze.amountMicros = frozenMicros),
      gone: context.caller.gone,
    });
  }

  private async othersHold(accountId: string, { tier, amountMicros }: HeldFreeze): Promise<boolean> {
    const balances = await this.wallets.balances(accountId);
    return balances.some((wallet) => wallet.tier === tier && wallet.frozenMicros > amountMicros);
  }

  private async record(context: RequestContext, answer: StreamAnswer, end: PumpEnd): Promise<Outcome> {
    const summary = answer.summary();
    context.attempts = summary.attempts;
    context.endpoint = summary.endpoint;
    const isFree = end.reason === 'caller_gone' && answer.endpoint.hangupBilling === 'free';
    context.close('provider', end.reason === 'upstream_cut' ? 'failed' : 'passed', {
      attempts: attemptFactsOf(summary.attempts),
      provider: summary.endpoint.providerName,
      ended: end.reason,
      first_token_ms: summary.firstTokenMs,
      rescued: rescueFactsOf(summary.rescued),
      ...outgrownFactsOf(context),
    });
    const outcome = this.outcomes.outcomeOf(context, {
      reason: isFree ? 'free_hangup' : end.reason,
      summary,
      // A caller that left before the first group has got nothing of what the provider had sent by then.
      delivered: () =>
        end.reason === 'caller_gone' && !end.reachedCaller ? NOTHING : (end.paid ?? answer.delivered()),
      status: end.reason === 'caller_gone' ? CLIENT_CLOSED_STATUS : 200,
    });
    await this.outcomes.capture(context, outcome);
    return outcome;
  }

  /**
   * Everything after the last content: stop reason of ours, usage if asked for, metadata, `[DONE]`.
   * @returns whether the caller was there for it.
   */
  private finish(
    context: RequestContext,
    outcome: Outcome,
    end: PumpEnd,
    reported: CallSummary['reportedUsage'],
  ): boolean {
    const { caller } = context;
    if (caller.gone.aborted) return false;
    const { head } = end;
    const wallet = filled(context.key, 'key').billingAccountKind;
    let text = '';
    for (const index of end.stopped) {
      text += chunkOf(head, { choices: [{ index, delta: {}, finish_reason: 'length' }] });
    }
    if (wantsUsage(context)) {
      const cost = usdCostOf(context, BigInt(outcome.creditsUsedMicros));
      text += chunkOf(head, { choices: [], usage: callerUsageOf(outcome, reported, cost) });
    }
    text += chunkOf(head, { choices: [], metadata: metadataOf(context, outcome, wallet) });
    caller.end(text + DONE_FRAME);
    return true;
  }
}

/**
 * Choices whose end the caller has not got when the gateway stops a stream.
 * @param left events of the last group that are not delivered.
 */
function stoppedChoices(context: RequestContext, answer: StreamAnswer, left: readonly StreamEvent[]): number[] {
  const finished = answer.finishedChoices();
  const unsaid = finishedIn(left);
  const { choices } = filled(context.freeze, 'freeze').estimate;
  return Array.from({ length: choices }, (_, index) => index).filter(
    (index) => !finished.has(index) || unsaid.has(index),
  );
}

function wantsUsage({ body }: RequestContext): boolean {
  return body?.stream_options?.include_usage === true;
}

/** What reached the caller, for questions about a screen that hangs. */
function deliveryFactsOf(caller: CallerConnection, isWhole: boolean): Record<string, unknown> {
  return {
    metadata_event: isWhole,
    reader: isWhole ? 'reading' : caller.stalled ? 'stalled' : 'gone',
    reader_waited_ms: caller.waitedMs,
  };
}

function fallbackHead(context: RequestContext): ChunkHead {
  return {
    id: `chatcmpl-${context.requestId}`,
    created: Math.floor(context.receivedAtMs / 1000),
    model: filled(context.route, 'route').model.modelKey,
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
