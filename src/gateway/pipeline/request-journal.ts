import { Inject, Injectable } from '@nestjs/common';
import { RequestTraces, STAGES, type Stage, type StageStatus } from '../../billing/index.js';
import type { AppError, ErrorKind } from '../../platform/errors/index.js';
import { LOGGER, plainLines, type Logger } from '../../platform/logging/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import type { RequestContext } from './context.js';
import { RequestMetrics } from './request-metrics.js';
import { RequestTracing } from './request-tracing.js';

/** Kinds that mean a part of the system failed, rather than that a rule refused. */
const FAILURES: ReadonlySet<ErrorKind> = new Set([
  'internal',
  'stream_error',
  'routing',
  'upstream_failed',
  'unavailable',
  'deadline',
]);

/** Ends every model call: one structured log line, and the trace that explains it later. */
@Injectable()
export class RequestJournal {
  private readonly log: (fields: object) => void;

  constructor(
    @Inject(LOGGER) logger: Logger,
    private readonly traces: RequestTraces,
    private readonly metrics: RequestMetrics,
    private readonly tracing: RequestTracing,
  ) {
    this.log = plainLines(logger, 'request');
  }

  /** A stage threw: one that has said so itself, else the first one that has not been closed. Once a request is written down, later errors are noise. */
  failed(context: RequestContext | null, error: AppError, status: number): void {
    if (context === null || context.written) return;
    const failedBefore = context.stages.find((record) => record.status === 'failed')?.stage;
    const stage = failedBefore ?? STAGES[context.stages.length] ?? 'settle';
    const verdict: StageStatus = FAILURES.has(error.kind) ? 'failed' : 'refused';
    if (!context.has(stage)) {
      context.close(stage, verdict, {
        ...error.facts,
        error: error.code ?? error.kind,
        message: error.keptMessage,
        ...(error.param === undefined ? {} : { param: error.param }),
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        ...(error.detail === undefined ? {} : { detail: error.detail }),
      });
    }
    this.write(context, stage, status, error.code ?? error.kind);
  }

  /** The answer has ended as it should, or as a caller that left made it end. */
  finished(context: RequestContext, status: number): void {
    if (!context.written) this.write(context, 'capture', status, null);
  }

  private write(context: RequestContext, stage: Stage, status: number, error: string | null): void {
    context.written = true;
    if (context.freeze !== null && context.outcome !== null) context.close('settle', 'pending');
    this.traces.record({
      requestId: context.requestId,
      clientRequestId: context.clientRequestId,
      accountId: context.key?.billingAccountId ?? null,
      apiKeyId: context.key?.id ?? null,
      status,
      stage,
      model: modelOf(context),
      stages: context.stages,
      createdAtMs: context.receivedAtMs,
    });
    this.metrics.ended(context, stage, status);
    this.tracing.ended(context, status, error);
    this.log(lineOf(context, status, error));
  }
}

/** The fields of a request line, chosen one by one: none is a secret. */
function lineOf(context: RequestContext, status: number, error: string | null): Record<string, unknown> {
  const stageMs: Partial<Record<Stage, number | null>> = {};
  for (const { stage, ms } of context.stages) stageMs[stage] = ms;
  return {
    request_id: context.requestId,
    client_request_id: context.clientRequestId,
    key_source: context.keySource,
    api_key_id: context.key?.id ?? null,
    tier: context.freeze?.tier ?? context.route?.model.tier ?? null,
    model: context.route?.model.modelKey ?? null,
    provider: context.endpoint?.providerName ?? null,
    attempts: context.attempts.map((attempt) => `${attempt.provider}=${attempt.reason ?? 'ok'}`),
    frozen: context.freeze === null ? null : formatDecimal(context.freeze.amountMicros),
    outcome: context.outcome?.reason ?? null,
    status,
    error,
    total_ms: context.elapsedMs(Date.now()),
    stage_ms: stageMs,
  };
}

const MODEL_CHARS_MAX = 200;

/** What was selected, else what was asked for, which a caller may have written at any length. */
function modelOf({ route, policy, body }: RequestContext): string | null {
  return route?.model.modelKey ?? (policy?.model ?? body?.model)?.slice(0, MODEL_CHARS_MAX) ?? null;
}
