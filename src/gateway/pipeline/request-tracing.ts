import { Inject, Injectable } from '@nestjs/common';
import { TRACING, type SpanPart, type Tracing } from '../../platform/tracing/index.js';
import { filled, type RequestContext } from './context.js';

/**
 * A span for each model call and one for each of its stages, with the attributes of OpenTelemetry's conventions for
 * generative AI. Nothing is done unless a collector is configured.
 */
@Injectable()
export class RequestTracing {
  constructor(@Inject(TRACING) private readonly tracing: Tracing) {}

  /** @returns the `traceparent` to send to the provider; `null` when requests are not traced. */
  beginCall(context: RequestContext): string | null {
    this.begin(context);
    return context.span?.beginCall(`chat ${filled(context.route, 'route').model.modelKey}`) ?? null;
  }

  /** The request has ended: its span and those of its stages are handed over. */
  ended(context: RequestContext, status: number, error: string | null): void {
    this.begin(context);
    if (context.span === null) return;
    const model = context.route?.model.modelKey;
    context.span.end({
      name: model === undefined ? 'chat' : `chat ${model}`,
      parts: partsOf(context),
      attributes: attributesOf(context, status),
      error,
      endedMs: Date.now(),
    });
  }

  private begin(context: RequestContext): void {
    const header = context.caller.request.headers['traceparent'];
    context.span ??= this.tracing.begin(context.receivedAtMs, typeof header === 'string' ? header : undefined);
  }
}

/** Stages follow one another without gaps; the settlement is another process's. */
function partsOf({ stages, receivedAtMs }: RequestContext): SpanPart[] {
  let endedMs = receivedAtMs;
  return stages
    .filter(({ stage }) => stage !== 'settle')
    .map(({ stage, status, ms }) => {
      const startedMs = endedMs;
      endedMs += ms ?? 0;
      return { name: stage, startedMs, endedMs, failed: status === 'failed' || status === 'refused' };
    });
}

function attributesOf(context: RequestContext, status: number): Record<string, string | number | boolean> {
  const { route, endpoint, outcome, body } = context;
  const tokens = outcome?.usage;
  const known = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': body?.model,
    'gen_ai.response.model': route?.model.modelKey,
    'gen_ai.provider.name': endpoint?.providerName,
    'gen_ai.usage.input_tokens': tokens && tokens.inputTokens + tokens.cachedInputTokens + tokens.cachedOutputTokens,
    'gen_ai.usage.output_tokens': tokens?.outputTokens,
    'gen_ai.usage.cache_read.input_tokens': tokens?.cachedInputTokens,
    'gen_ai.usage.cache_creation.input_tokens': tokens?.cachedOutputTokens,
    'http.request.method': 'POST',
    'http.route': '/openai/v1/chat/completions',
    'http.response.status_code': status,
    'joytoken.request_id': context.requestId,
    'joytoken.tier': route?.model.tier,
    'joytoken.stream': body?.stream === true,
    'joytoken.provider_attempts': context.attempts.length,
  };
  return Object.fromEntries(
    Object.entries(known).filter((entry): entry is [string, string | number | boolean] => entry[1] !== undefined),
  );
}
