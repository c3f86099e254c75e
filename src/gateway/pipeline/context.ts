import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AuthenticatedKey, KeySource } from '../../auth/index.js';
import type { CostEstimate, Outcome, Stage, StageRecord, StageStatus, TokenEstimate } from '../../billing/index.js';
import type { Micros, UsdMicros } from '../../platform/money/index.js';
import type { RequestSpan } from '../../platform/tracing/index.js';
import type { ClientIp, PolicyDecision } from '../../policy/index.js';
import type { Attempt, Endpoint } from '../../provider/index.js';
import { routeFactsOf, type Route } from '../../router/index.js';
import type { Tier } from '../../wallet/index.js';
import type { ChatRequest } from '../openai/chat-request.schema.js';
import type { CallerConnection } from './caller-connection.js';

/** The freeze that a request holds. */
export interface HeldFreeze {
  tier: Tier;
  amountMicros: Micros;
  estimate: CostEstimate;
  /**
   * Most output tokens a choice that the provider may write: what is frozen, because the wallet has no more, or because the request
   * has no maximum and the model may write unseen. `null`: as the request says.
   */
  outputTokensClamp: number | null;
  /** The clamp is what the wallet had. */
  isShort: boolean;
  usdPerCreditMicros: UsdMicros;
}

/** The decision of the policy after the wallets have been looked at. */
export interface AppliedPolicy extends PolicyDecision {
  /** The caller named no model: another tier may serve when the wallet of the first one cannot pay. */
  fallsBack: boolean;
}

/**
 * Everything that is known of one request. Each stage fills its own slot and reads the earlier ones; a slot is `null`
 * until its stage has passed.
 */
export class RequestContext {
  key: AuthenticatedKey | null = null;
  keySource: KeySource = 'none';
  clientIp: ClientIp | null = null;
  body: ChatRequest | null = null;
  /** Size of the body as it came. */
  bodyBytes = 0;
  /** Estimated tokens of the body, counted once. */
  tokens: TokenEstimate | null = null;
  policy: AppliedPolicy | null = null;
  route: Route | null = null;
  fallbackFrom: Tier | null = null;
  /** Models for which the prompt was too long, each with the larger one that was asked instead. */
  readonly outgrown: { modelKey: string; next: Route }[] = [];
  /** The freeze of the first choice failed, and `route` is another one. */
  rerouted = false;
  freeze: HeldFreeze | null = null;
  attempts: readonly Attempt[] = [];
  /** Endpoint that serves the answer. */
  endpoint: Endpoint | null = null;
  /** Ends the keep-alive comments of a stream. */
  stopKeepAlive: () => void = () => undefined;
  /** Ends the call at the provider, whatever its rule for callers who leave. */
  cancelUpstream: () => void = () => undefined;
  outcome: Outcome | null = null;
  /** Its span, when requests are traced. */
  span: RequestSpan | null = null;
  /** Why the model stopped, as its provider said. */
  finishReason: string | null = null;
  /** Among the running calls, while it is one. */
  place: number | null = null;
  /** Its log line and trace have been written. */
  written = false;
  readonly stages: StageRecord[] = [];
  private stageStartedMs = performance.now();

  constructor(
    /** The gateway's own id; money is keyed on it. */
    readonly requestId: string,
    /** The caller's label. */
    readonly clientRequestId: string,
    readonly receivedAtMs: number,
    readonly caller: CallerConnection,
  ) {}

  /** Milliseconds since the request was received. */
  elapsedMs(nowMs: number): number {
    return nowMs - this.receivedAtMs;
  }

  /** Closes the stage that is running, with its facts. */
  close(stage: Stage, status: StageStatus, facts: Record<string, unknown> = {}): void {
    const nowMs = performance.now();
    const record = { stage, status, ms: Math.round((nowMs - this.stageStartedMs) * 1000) / 1000 };
    // A fact never replaces one of the three, which stay in front.
    this.stages.push({ ...record, ...facts, ...record });
    this.stageStartedMs = nowMs;
  }

  /** Adds facts to a stage that has been closed; without effect when it has not. */
  note(stage: Stage, facts: Record<string, unknown>): void {
    const record = this.stages.find((one) => one.stage === stage);
    if (record !== undefined) Object.assign(record, facts);
  }

  /** Whether a stage has been closed already. */
  has(stage: Stage): boolean {
    return this.stages.some((record) => record.stage === stage);
  }
}

/** A slot that an earlier stage must have filled; its absence is a fault of the pipeline itself. */
export function filled<T>(slot: T | null, name: string): T {
  if (slot === null) throw new Error(`pipeline: ${name} is not filled yet`);
  return slot;
}

/** Which models the prompt was too long for, and how each larger one was chosen; nothing when the first one took it. */
export function outgrownFactsOf({ outgrown, route }: RequestContext): Record<string, unknown> {
  if (outgrown.length === 0) return {};
  return {
    outgrown: outgrown.map(({ modelKey }) => modelKey),
    model: route?.model.modelKey ?? null,
    routes: outgrown.map(({ next }) => routeFactsOf(next)),
  };
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Made by the first stage; `null` on routes outside the model calls. */
    gatewayContext: RequestContext | null;
    /** The gateway's own id of this request, on every route. */
    gatewayRequestId: string;
    /** The caller's label of this request, on every route. */
    clientRequestId: string;
  }
}

/** The context of a model call. */
export function contextOf(request: FastifyRequest): RequestContext {
  return filled(request.gatewayContext, 'context');
}

export type { FastifyReply, FastifyRequest };
