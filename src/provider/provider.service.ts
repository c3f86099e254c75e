import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/index.js';
import { ServedStream } from './answer/served-stream.js';
import { AttemptRunner } from './attempt/attempt-runner.js';
import { CallRun, type CallLimits } from './attempt/call-run.js';
import type { BreakerState } from './breaker/endpoint-breaker.js';
import { EndpointBreakers } from './breaker/endpoint-breakers.js';
import type {
  CallSummary,
  JsonAnswer,
  ProviderAnswer,
  StreamAnswer,
  TokenUsage,
  UpstreamRequest,
} from './domain/call.js';
import { completionOutput, isSilent, shownBy } from './domain/completion-text.js';
import type { Endpoint } from './domain/endpoint.js';
import { hiddenTokensOf, reasoningTokensOf } from './domain/hidden-output.js';
import { isRecord, type JsonRecord } from './domain/json.js';
import { normaliseUsage } from './domain/usage.js';
import { usageIn } from './domain/usage-place.js';
import { Failover } from './failover/failover.js';
import { RetryAfterTracker } from './failover/retry-after-tracker.js';
import { StreamRescuer } from './rescue/stream-rescuer.js';

/** How an endpoint stands. Milliseconds count from now. */
export interface EndpointStanding {
  breaker: BreakerState;
  /** The breaker keeps one caller away, whose requests alone failed, and lets the others pass. */
  isForOneCaller: boolean;
  /** Short reason of the last fault, e.g. `http_503`; `null` while nothing has gone wrong lately. */
  lastFault: string | null;
  /** Until a call may probe it. */
  breakerWaitMs: number;
  /** What is left of its `Retry-After`. */
  limitedForMs: number;
}

/** When an endpoint may be called again. */
export interface EndpointReadiness {
  inMs: number;
  isLimitedOnly: boolean;
}

/** Calls models at their endpoints. */
@Injectable()
export class ProviderService {
  private readonly limits: CallLimits;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly failover: Failover,
    private readonly runner: AttemptRunner,
    private readonly rescuer: StreamRescuer,
    private readonly breakers: EndpointBreakers,
    private readonly retryAfters: RetryAfterTracker,
  ) {
    this.limits = {
      attemptsMax: config.UPSTREAM_ATTEMPTS_MAX,
      retryAfterMaxWaitMs: config.UPSTREAM_RETRY_AFTER_MAX_WAIT_MS,
      timeouts: {
        connectMs: config.UPSTREAM_CONNECT_TIMEOUT_MS,
        headersMs: config.UPSTREAM_HEADERS_TIMEOUT_MS,
        firstEventMs: config.UPSTREAM_FIRST_EVENT_TIMEOUT_MS,
        firstTokenMs: config.UPSTREAM_FIRST_TOKEN_TIMEOUT_MS,
        idleMs: config.UPSTREAM_IDLE_TIMEOUT_MS,
        totalMs: config.UPSTREAM_TOTAL_TIMEOUT_MS,
      },
    };
  }

  /**
   * Calls the endpoints in order until one answers. A streamed answer is returned with its first content; until then
   * nothing has been promised and the next endpoint can take over unseen.
   * @throws AppError `invalid_request` (the upstream refused the caller's request), `upstream_failed`, `unavailable`,
   *   `deadline`; `attemptsOf(error)` tells the attempts. CallerGoneError when `signal` is aborted.
   */
  async call(request: UpstreamRequest): Promise<ProviderAnswer> {
    const run = new CallRun(request, this.limits);
    try {
      return request.stream ? await this.openStream(run) : await this.complete(run);
    } catch (error) {
      run.close();
      throw error;
    }
  }

  /** Whether the breaker of an endpoint lets calls of an account pass. */
  endpointHealth(endpointId: string, callerId: string): boolean {
    return this.breakers.isHealthy(endpointId, callerId);
  }

  /** Whether an endpoint is worth choosing a model for: it lets calls of an account pass, and its limit ends soon. */
  isReady(endpointId: string, callerId: string): boolean {
    const { retryAfterMaxWaitMs } = this.limits;
    return this.endpointHealth(endpointId, callerId) && this.retryAfters.waitMsOf(endpointId) <= retryAfterMaxWaitMs;
  }

  /** When an endpoint that is not ready will be, and whether its provider's limit is the only reason. */
  readiness(endpointId: string, callerId: string): EndpointReadiness {
    const breakerMs = this.breakers.waitMs(endpointId, callerId);
    const limitMs = this.retryAfters.waitMsOf(endpointId);
    const isLimitedOnly = limitMs > 0 && this.endpointHealth(endpointId, callerId);
    return { inMs: Math.max(breakerMs, limitMs), isLimitedOnly };
  }

  /** What this process knows of an endpoint's standing, its own experience and that of the others. */
  standing(endpointId: string): EndpointStanding {
    const { state, isForOneCaller, reason, waitMs } = this.breakers.view(endpointId);
    return {
      breaker: state,
      isForOneCaller,
      lastFault: reason,
      breakerWaitMs: Math.round(waitMs),
      limitedForMs: Math.round(this.retryAfters.waitMsOf(endpointId)),
    };
  }

  private async openStream(run: CallRun): Promise<StreamAnswer> {
    const begun = await this.failover.firstAnswer(run, (endpoint) => this.runner.stream(run, endpoint));
    return new ServedStream(run, begun, this.rescuer);
  }

  private async complete(run: CallRun): Promise<JsonAnswer> {
    const { endpoint, body } = await this.failover.firstAnswer(run, async (candidate) => ({
      endpoint: candidate,
      body: await this.runner.complete(run, candidate),
    }));
    run.close();
    return { kind: 'json', endpoint, attempts: run.attempts, body, summary: summaryOf(run, endpoint, body) };
  }
}

/** Of a smaller answer without named thoughts nothing can be clearly hidden; it is not looked through. */
const HIDING_TOKENS_MIN = 256;

function finishReasonOf({ choices }: JsonRecord): string | null {
  const last: unknown = Array.isArray(choices) ? choices.at(-1) : null;
  const reason = isRecord(last) ? last['finish_reason'] : null;
  return typeof reason === 'string' ? reason : null;
}

function hiddenIn(body: JsonRecord, usage: TokenUsage): number {
  const reasoningTokens = reasoningTokensOf(usageIn(body));
  if (reasoningTokens === 0 && usage.outputTokens < HIDING_TOKENS_MIN) return 0;
  return hiddenTokensOf(usage, reasoningTokens, shownBy(body));
}

function summaryOf(run: CallRun, endpoint: Endpoint, body: JsonRecord): CallSummary {
  const reported = usageIn(body);
  const counted = normaliseUsage(reported);
  // A completion with output cannot have cost no output tokens: such a count is a missing one.
  const usage = counted?.outputTokens === 0 && !isSilent(completionOutput(body)) ? null : counted;
  const durationMs = Math.round(run.elapsedMs);
  return {
    usage,
    reportedUsage: usage === null ? null : reported,
    servedUsage: null,
    hiddenTokens: usage === null ? 0 : hiddenIn(body, usage),
    endpoint,
    attempts: run.attempts,
    rescued: null,
    complete: true,
    finishReason: finishReasonOf(body),
    firstTokenMs: durationMs,
    durationMs,
  };
}
