import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { TimeSlices } from '../../platform/json/index.js';
import {
  attemptsOf,
  isPromptTooLong,
  ProviderService,
  type Endpoint,
  type ProviderAnswer,
  type UpstreamRequest,
} from '../../provider/index.js';
import { upstreamBodyOf } from '../openai/chat-request.js';
import { streamHeadersOf } from '../openai/answer-headers.js';
import { filled, type RequestContext } from './context.js';
import { RequestTracing } from './request-tracing.js';
import { LargerModel } from './larger-model.js';

const baseUrlOf = ({ baseUrl }: Endpoint): string => baseUrl;

/** To write a body of this size for an upstream takes a turn of the event loop of its own. */
const LARGE_BODY_BYTES = 64 * 1024;

const KEEP_ALIVE_COMMENT = ': keep-alive\n\n';

function requestOf(context: RequestContext, signal: AbortSignal): UpstreamRequest {
  const body = filled(context.body, 'body');
  const { endpoints, rescueModels } = filled(context.route, 'route');
  return {
    requestId: context.requestId,
    callerId: filled(context.key, 'key').billingAccountId,
    endpoints,
    rescueEndpoints: rescueModels.flatMap((rescue) => rescue.endpoints),
    earlierAttempts: context.attempts,
    body: upstreamBodyOf(body, context.freeze?.outputTokensClamp, endpoints.map(baseUrlOf)),
    stream: body.stream === true,
    signal,
  };
}

/** Stage 7: the call with failover. Resolves when the answer, or the first content of a stream, is there. */
@Injectable()
export class ProviderCall {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly providers: ProviderService,
    private readonly larger: LargerModel,
    private readonly tracing: RequestTracing,
  ) {}

  /**
   * @throws AppError of the provider module; its attempts are noted in the context.
   */
  async call(context: RequestContext): Promise<ProviderAnswer> {
    const stream = filled(context.body, 'body').stream === true;
    const stopKeepAlive = stream ? this.keepAlive(context) : (): void => undefined;
    context.stopKeepAlive = stopKeepAlive;
    const signal = this.cancellation(context);
    const traceparent = this.tracing.beginCall(context);
    // Many that were frozen together would all be written in one turn.
    if (context.bodyBytes > LARGE_BODY_BYTES) await new TimeSlices().next();
    for (;;) {
      try {
        const answer = await this.providers.call({ ...requestOf(context, signal), traceparent });
        context.attempts = answer.attempts;
        context.endpoint = answer.endpoint;
        return answer;
      } catch (error) {
        context.attempts = attemptsOf(error);
        if (isPromptTooLong(error) && (await this.larger.take(context))) continue;
        stopKeepAlive();
        throw error;
      }
    }
  }

  /** A caller that leaves cancels the upstream at once, unless the provider is to be read to the end. */
  private cancellation(context: RequestContext): AbortSignal {
    const cancel = new AbortController();
    context.cancelUpstream = () => cancel.abort();
    const { gone } = context.caller;
    const onGone = (): void => {
      const endpoint = context.endpoint ?? filled(context.route, 'route').endpoints[0];
      if (endpoint?.hangupBilling !== 'drain') cancel.abort();
    };
    if (gone.aborted) onGone();
    else gone.addEventListener('abort', onGone, { once: true });
    return cancel.signal;
  }

  /** Sends a comment after every stretch of silence; the first one commits the head of the stream. */
  private keepAlive(context: RequestContext): () => void {
    const silenceMaxMs = this.config.STREAM_KEEPALIVE_MS;
    const timer = setInterval(
      () => {
        const { caller } = context;
        if (caller.gone.aborted || caller.silenceMs(Date.now()) < silenceMaxMs) return;
        if (!caller.committed) caller.openStream(streamHeadersOf(context));
        void caller.write(KEEP_ALIVE_COMMENT);
      },
      Math.max(50, Math.floor(silenceMaxMs / 4)),
    );
    timer.unref();
    return () => clearInterval(timer);
  }
}
