import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Outcome } from '../../billing/index.js';
import { writeJson } from '../../platform/json/index.js';
import type { JsonAnswer } from '../../provider/index.js';
import { CLIENT_CLOSED_STATUS } from '../pipeline/caller-connection.js';
import { filled, type RequestContext } from '../pipeline/context.js';
import { RequestJournal } from '../pipeline/request-journal.js';
import { usedHeadersOf } from './answer-headers.js';
import { metadataOf, usdCostOf } from './answer-metadata.js';
import { AnswerPayment } from './answer-payment.js';
import { callerUsageOf } from './caller-usage.js';
import { OutcomeRecorder } from './outcome-recorder.js';

/** An answer as its caller will get it, and what it costs. */
export interface WrittenAnswer {
  outcome: Outcome;
  text: string;
}

/** Sends a whole answer: first it is written, then its outcome is durable, then the caller sees it. */
@Injectable()
export class JsonDelivery {
  constructor(
    private readonly payment: AnswerPayment,
    private readonly outcomes: OutcomeRecorder,
    private readonly journal: RequestJournal,
  ) {}

  /** @throws RangeError when the answer cannot be written: nothing has been captured, and the freeze is to be released. */
  async write(context: RequestContext, answer: JsonAnswer): Promise<WrittenAnswer> {
    const left = context.caller.gone.aborted;
    const isFree = left && answer.endpoint.hangupBilling === 'free';
    const paid = await this.payment.pay(context, answer);
    const isClamped = paid.reason === 'complete' && wasClamped(context, answer.body);
    const outcome = this.outcomes.outcomeOf(context, {
      reason: isFree ? 'free_hangup' : isClamped ? 'quota_stop' : paid.reason,
      summary: paid.summary,
      delivered: paid.delivered,
      status: left ? CLIENT_CLOSED_STATUS : 200,
    });
    const wallet = filled(context.key, 'key').billingAccountKind;
    const cost = usdCostOf(context, BigInt(outcome.creditsUsedMicros));
    const usage = callerUsageOf(outcome, paid.summary.reportedUsage, cost);
    const body = withMetadata({ ...paid.body, usage }, metadataOf(context, outcome, wallet));
    return { outcome, text: await writeJson(body) };
  }

  async deliver(context: RequestContext, { outcome, text }: WrittenAnswer, reply: FastifyReply): Promise<void> {
    await this.outcomes.capture(context, outcome);
    void reply.status(200).headers(usedHeadersOf(context)).type('application/json; charset=utf-8').send(text);
    this.journal.finished(context, outcome.status);
  }
}

/** Whether the answer ended at the maximum that the wallet set, not at one of its caller or its model. */
function wasClamped(context: RequestContext, body: Record<string, unknown>): boolean {
  const { choices } = body;
  return context.freeze?.isShort === true && Array.isArray(choices) && choices.some(endedByLength);
}

function endedByLength(choice: unknown): boolean {
  return isObject(choice) && choice['finish_reason'] === 'length';
}

/** The body with `metadata` merged in where that is possible. */
function withMetadata(body: Record<string, unknown>, metadata: Record<string, unknown>): Record<string, unknown> {
  const { metadata: theirs } = body;
  return {
    ...body,
    ...(theirs === undefined || theirs === null || isObject(theirs) ? { metadata: { ...theirs, ...metadata } } : {}),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
