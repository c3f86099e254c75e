import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonAnswer } from '../../provider/index.js';
import { filled, type RequestContext } from '../pipeline/context.js';
import { RequestJournal } from '../pipeline/request-journal.js';
import { usedHeadersOf } from './answer-headers.js';
import { metadataOf, usdCostOf } from './answer-metadata.js';
import { OutcomeRecorder } from './outcome-recorder.js';

const CLIENT_CLOSED_STATUS = 499;

/** Sends a whole answer: first the outcome is durable, then the caller sees it. */
@Injectable()
export class JsonDelivery {
  constructor(
    private readonly outcomes: OutcomeRecorder,
    private readonly journal: RequestJournal,
  ) {}

  async deliver(context: RequestContext, answer: JsonAnswer, reply: FastifyReply): Promise<void> {
    const left = context.caller.gone.aborted;
    const isFree = left && answer.endpoint.hangupBilling === 'free';
    const outcome = await this.outcomes.outcomeOf(context, {
      reason: isFree ? 'free_hangup' : 'complete',
      summary: answer.summary,
      delivered: () => outputTextOf(answer.body),
      status: left ? CLIENT_CLOSED_STATUS : 200,
    });
    await this.outcomes.capture(context, outcome);
    const wallet = filled(context.key, 'key').billingAccountKind;
    const cost = usdCostOf(context, BigInt(outcome.creditsUsedMicros));
    const body = withMetadata(answer.body, metadataOf(context, outcome, wallet), cost);
    this.journal.finished(context, outcome.status);
    void reply
      .status(200)
      .headers(usedHeadersOf(context))
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(body));
  }
}

/** The provider's body with `metadata` merged in where that is possible, and the cost beside its usage. */
function withMetadata(
  body: Record<string, unknown>,
  metadata: Record<string, unknown>,
  costUsd: number,
): Record<string, unknown> {
  const { usage, metadata: theirs } = body;
  return {
    ...body,
    ...(isObject(usage) ? { usage: { ...usage, cost: costUsd } } : {}),
    ...(theirs === undefined || theirs === null || isObject(theirs) ? { metadata: { ...theirs, ...metadata } } : {}),
  };
}

/** All output text of a whole answer, for counting when the provider sent no usage. */
function outputTextOf(body: Record<string, unknown>): string {
  if (!Array.isArray(body.choices)) return '';
  return body.choices.map((choice: unknown) => textOfChoice(choice)).join('\n');
}

function textOfChoice(choice: unknown): string {
  if (!isObject(choice) || !isObject(choice.message)) return '';
  const { content, reasoning_content: reasoning, tool_calls: calls } = choice.message;
  const texts = [content, reasoning].filter((text): text is string => typeof text === 'string' && text !== '');
  if (Array.isArray(calls) && calls.length > 0) texts.push(JSON.stringify(calls));
  return texts.join('\n');
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
