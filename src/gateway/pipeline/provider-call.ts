import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { attemptsOf, ProviderService, type Endpoint, type ProviderAnswer } from '../../provider/index.js';
import { upstreamBodyOf } from '../openai/chat-request.js';
import { streamHeadersOf } from '../openai/answer-headers.js';
import { filled, type RequestContext } from './context.js';

const baseUrlOf = ({ baseUrl }: Endpoint): string => baseUrl;

const KEEP_ALIVE_COMMENT = ': keep-alive\n\n';

/** Stage 7: the call with failover. Resolves when the answer, or the first content of a stream, is there. */
@Injectable()
export class ProviderCall {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly providers: ProviderService,
  ) {}

  /**
   * @throws AppError of the provider module; its attempts are noted in the context.
   */
  async call(context: RequestContext): Promise<ProviderAnswer> {
    const body = filled(context.body, 'body');
    const route = filled(context.route, 'route');
    const stream = body.stream === true;
    const stopKeepAlive = stream ? this.keepAlive(context) : (): void => undefined;
    context.stopKeepAlive = stopKeepAlive;
    try {
      const answer = await this.providers.call({
        requestId: context.requestId,
        endpoints: route.endpoints,
        rescueEndpoints: route.rescueModels.flatMap((rescue) => rescue.endpoints),
        body: upstreamBodyOf(body, context.freeze?.outputTokensClamp, route.endpoints.map(baseUrlOf)),
        stream,
        signal: this.cancellation(context),
      });
      context.attempts = answer.attempts;
      context.endpoint = answer.endpoint;
      return answer;
    } catch (error) {
      stopKeepAlive();
      context.attempts = attemptsOf(error);
      throw error;
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
