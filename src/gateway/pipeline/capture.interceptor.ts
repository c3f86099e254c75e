import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { lastValueFrom, of, type Observable } from 'rxjs';
import { attemptFactsOf } from '../../billing/index.js';
import { OPENAI_ERRORS } from '../errors/openai-errors.js';
import { JsonDelivery } from '../openai/json-delivery.js';
import { OutcomeRecorder } from '../openai/outcome-recorder.js';
import { StreamRelay } from '../openai/stream-relay.js';
import { AppError } from '../../platform/errors/index.js';
import { CallerGoneError, type ProviderAnswer } from '../../provider/index.js';
import { CLIENT_CLOSED_STATUS } from './caller-connection.js';
import { contextOf, outgrownFactsOf, type FastifyReply, type RequestContext } from './context.js';
import { RequestJournal } from './request-journal.js';
import { RunningCalls } from './running-calls.js';

/** Stage 8: the measured usage is durable before the caller sees the end of the answer; a failed call is released. */
@Injectable()
export class CaptureInterceptor implements NestInterceptor {
  constructor(
    private readonly json: JsonDelivery,
    private readonly streams: StreamRelay,
    private readonly outcomes: OutcomeRecorder,
    private readonly journal: RequestJournal,
    private readonly calls: RunningCalls,
  ) {}

  async intercept(execution: ExecutionContext, next: CallHandler<ProviderAnswer>): Promise<Observable<void>> {
    const http = execution.switchToHttp();
    const context = contextOf(http.getRequest());
    const reply = http.getResponse<FastifyReply>();
    try {
      await this.deliver(context, await lastValueFrom(next.handle()), reply);
    } catch (error) {
      await this.abandon(context, error, reply);
    } finally {
      this.calls.end(context);
    }
    return of(undefined);
  }

  private async deliver(context: RequestContext, answer: ProviderAnswer, reply: FastifyReply): Promise<void> {
    if (answer.kind === 'stream') {
      reply.hijack();
      await this.streams.relay(context, answer);
      return;
    }
    const written = await this.json.write(context, answer);
    context.close('provider', 'passed', {
      attempts: attemptFactsOf(answer.attempts),
      provider: answer.endpoint.providerName,
      rescued: null,
      ...outgrownFactsOf(context),
    });
    await this.json.deliver(context, written, reply);
  }

  /** Nothing was delivered: the freeze is released by the same durable path as a charge. */
  private async abandon(context: RequestContext, error: unknown, reply: FastifyReply): Promise<void> {
    context.stopKeepAlive();
    const callerLeft = error instanceof CallerGoneError;
    if (!context.has('provider')) {
      context.close('provider', 'failed', {
        attempts: attemptFactsOf(context.attempts),
        error: callerLeft ? 'caller_gone' : error instanceof AppError ? (error.code ?? error.kind) : 'internal_error',
        ...keptWordsOf(error),
        ...outgrownFactsOf(context),
      });
      const outcome = this.outcomes.outcomeOf(context, {
        reason: callerLeft ? 'nothing_delivered' : 'provider_failed',
        summary: null,
        delivered: () => ({ text: '', dataTokens: 0 }),
        status: callerLeft ? CLIENT_CLOSED_STATUS : statusOf(error),
      });
      // The freeze expires by itself when this fails too; the caller's error is the one worth reporting.
      await this.outcomes.capture(context, outcome).catch(() => undefined);
    }
    if (!callerLeft) throw error;
    reply.hijack();
    this.journal.finished(context, CLIENT_CLOSED_STATUS);
  }
}

/** What the caller is answered for this error. */
function statusOf(error: unknown): number {
  return OPENAI_ERRORS[error instanceof AppError ? error.kind : 'internal'].status;
}

/** What explanations may say of it. The text of an error that nobody foresaw may hold anything: it is for the log. */
function keptWordsOf(error: unknown): Record<string, string> {
  if (error instanceof CallerGoneError) return { message: error.message };
  if (!(error instanceof AppError)) return {};
  return { message: error.keptMessage, ...(error.param === undefined ? {} : { param: error.param }) };
}
