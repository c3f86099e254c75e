import { Inject, Injectable } from '@nestjs/common';
import {
  affordablePart,
  elasticFreeze,
  estimate,
  outputTokensFor,
  priceOf,
  type CostEstimate,
} from '../../billing/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AppError } from '../../platform/errors/index.js';
import { formatDecimal, micros, ZERO_MICROS, type Micros } from '../../platform/money/index.js';
import { AUTO_MODEL, HiddenOutputs, isAutoModel, RouterService, type Route } from '../../router/index.js';
import { WalletService, type FreezeRefusal, type FreezeResult, type Tier } from '../../wallet/index.js';
import { asksToThink } from '../openai/thinking.js';
import { filled, type HeldFreeze, type RequestContext } from './context.js';
import { keyLimitsOf } from './key-limits.js';
import { RoutePlanner } from './route-planner.js';
import { WalletRefusals } from './wallet-refusals.js';

/** Where `auto` looks next when the wallet of its first choice cannot pay, best first. */
const FALLBACK_TIERS: Readonly<Record<Tier, readonly Tier[]>> = {
  premium: ['standard', 'economy'],
  standard: ['premium', 'economy'],
  economy: ['standard', 'premium'],
};

const WALLET_REFUSALS: ReadonlySet<FreezeRefusal> = new Set(['wallet_too_low', 'wallet_missing']);

/** Balances move while a smaller freeze is tried; who loses as often as this is refused. */
const SMALLER_TRIES_MAX = 3;

interface Attempted {
  held: HeldFreeze;
  result: FreezeResult;
}

/**
 * Freezes the estimate. When the wallet is too low, `auto` tries the other allowed tiers by routing again; then as much of the
 * answer is frozen as the wallet pays for, and a plain call is clamped to it.
 */
@Injectable()
export class FreezePlanner {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly wallets: WalletService,
    private readonly router: RouterService,
    private readonly planner: RoutePlanner,
    private readonly refusals: WalletRefusals,
    private readonly hidden: HiddenOutputs,
  ) {}

  /**
   * Fills `context.freeze`, and replaces `context.route` after a fallback.
   * @throws AppError `insufficient_quota` or `rate_limited`; nothing is held then.
   */
  async freeze(context: RequestContext): Promise<void> {
    const firstRoute = filled(context.route, 'route');
    const first = await this.attempt(context, firstRoute);
    if (first.result.ok) {
      context.freeze = await this.coverAnswer(context, firstRoute, first.held, first.result.availableMicros);
      return;
    }
    const policy = filled(context.policy, 'policy');
    if (policy.fallsBack && WALLET_REFUSALS.has(first.result.refusal)) {
      if (await this.fallBack(context, firstRoute.model.tier, firstRoute)) return;
      for (const tier of FALLBACK_TIERS[firstRoute.model.tier]) {
        if (policy.allowedTiers.includes(tier) && (await this.fallBack(context, tier))) {
          context.fallbackFrom = firstRoute.model.tier;
          return;
        }
      }
    }
    if (await this.freezePart(context, firstRoute, first)) return;
    throw await this.refusalOf(context, first.held, first.result);
  }

  private async refusalOf(
    context: RequestContext,
    held: HeldFreeze,
    result: Extract<FreezeResult, { ok: false }>,
  ): Promise<AppError> {
    const { refusal, availableMicros } = result;
    if (WALLET_REFUSALS.has(refusal)) return this.refusals.tooLow(context, held, availableMicros);
    if (refusal === 'daily_quota' || refusal === 'weekly_quota') return this.refusals.quota(context, held, refusal);
    return rateError(result, held);
  }

  /**
   * Moves what is held to another model of the same tier, before anything of an answer exists; a dearer one is paid for by
   * an extension.
   * @returns whether it could be paid; else all is as it was, but for an extension that ends with the freeze.
   */
  async reassign(context: RequestContext, route: Route): Promise<boolean> {
    const held = filled(context.freeze, 'freeze');
    const key = filled(context.key, 'key');
    const cost = this.costOf(context, route);
    const freeze = { id: context.requestId, accountId: key.billingAccountId };
    const extraMicros = micros(cost.amountMicros - held.amountMicros);
    if (
      extraMicros > 0n &&
      !(await this.wallets.extend({ ...freeze, limits: keyLimitsOf(key, false), extraMicros })).ok
    ) {
      return false;
    }
    const facts = this.factsOf(route, cost);
    if (!(await this.wallets.reassign({ ...freeze, modelId: route.model.id, priceId: route.price.id, facts }))) {
      return false;
    }
    context.route = route;
    const amountMicros = extraMicros > 0n ? cost.amountMicros : held.amountMicros;
    const available = this.wallets.lastSeenMicros(key.billingAccountId, route.model.tier) ?? ZERO_MICROS;
    const moved: HeldFreeze = {
      ...held,
      amountMicros,
      estimate: cost,
      outputTokensClamp: clampOf(cost),
      isShort: false,
    };
    context.freeze = await this.coverAnswer(context, route, moved, available);
    return true;
  }

  /** Whether the wallet pays for a part of the answer that is worth beginning. */
  private async freezePart(context: RequestContext, route: Route, refused: Attempted): Promise<boolean> {
    let { result } = refused;
    for (let tries = 0; tries < SMALLER_TRIES_MAX && !result.ok && result.refusal === 'wallet_too_low'; tries++) {
      const part = affordablePart(refused.held.estimate, route.price, result.availableMicros);
      if (part === null) return false;
      const smaller = await this.attempt(context, route, part);
      result = smaller.result;
      if (!result.ok) continue;
      const isStream = context.body?.stream === true;
      const clamp = isStream ? clampOf(part) : part.outputTokens / part.choices;
      context.freeze = { ...smaller.held, outputTokensClamp: clamp, isShort: clamp !== null };
      return true;
    }
    return false;
  }

  /**
   * A plain call without a maximum may write as much as its model can. When the wallet could not pay for that, it takes what is
   * there and is clamped to it; an answer that is under way cannot be stopped.
   */
  private async coverAnswer(
    context: RequestContext,
    route: Route,
    held: HeldFreeze,
    availableMicros: Micros,
  ): Promise<HeldFreeze> {
    const { estimate: cost } = held;
    const rest = route.model.maxOutputTokens * cost.choices - cost.outputTokens;
    if (context.body?.stream === true || cost.requestedTokens !== null || rest <= 0) return held;
    if (held.outputTokensClamp !== null) return held;
    if (outputPrice(rest, route) <= availableMicros) return held;
    const extraTokens = Math.min(rest, outputTokensFor(availableMicros, route.price));
    const extraMicros = outputPrice(extraTokens, route);
    const key = filled(context.key, 'key');
    const base = { id: context.requestId, accountId: key.billingAccountId, limits: keyLimitsOf(key, false) };
    const extended = extraMicros > 0n && (await this.wallets.extend({ ...base, extraMicros })).ok;
    const outputTokens = cost.outputTokens + (extended ? extraTokens : 0);
    return {
      ...held,
      amountMicros: extended ? micros(held.amountMicros + extraMicros) : held.amountMicros,
      estimate: { ...cost, outputTokens },
      outputTokensClamp: Math.floor(outputTokens / cost.choices),
      isShort: true,
    };
  }

  /**
   * Whether a tier has a candidate and can pay for it.
   * @param refused a route of the same tier that was too dear: what the wallet has is known now, and a cheaper one may fit.
   */
  private async fallBack(context: RequestContext, tier: Tier, refused?: Route): Promise<boolean> {
    const route = this.routeOrNull(context, tier);
    if (route === null || route.model.id === refused?.model.id) return false;
    const { held, result } = await this.attempt(context, route);
    if (!result.ok) return false;
    context.route = route;
    context.rerouted = true;
    context.freeze = await this.coverAnswer(context, route, held, result.availableMicros);
    return true;
  }

  private routeOrNull(context: RequestContext, tier: Tier): Route | null {
    try {
      const wanted = filled(context.policy, 'policy').model;
      return this.planner.plan(context, [tier], isAutoModel(wanted) ? wanted : AUTO_MODEL);
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }

  private async attempt(context: RequestContext, route: Route, part?: CostEstimate): Promise<Attempted> {
    const body = filled(context.body, 'body');
    const key = filled(context.key, 'key');
    const costEstimate = part ?? this.costOf(context, route);
    const usdPerCreditMicros = this.router.usdPerCredit(route.model.tier);
    const held: HeldFreeze = {
      tier: route.model.tier,
      amountMicros: costEstimate.amountMicros,
      estimate: costEstimate,
      outputTokensClamp: clampOf(costEstimate),
      isShort: false,
      usdPerCreditMicros,
    };
    const result = await this.wallets.freeze({
      id: context.requestId,
      clientRequestId: context.clientRequestId,
      accountId: key.billingAccountId,
      tier: route.model.tier,
      apiKeyId: key.id,
      amountMicros: costEstimate.amountMicros,
      limits: keyLimitsOf(key, true),
      modelId: route.model.id,
      priceId: route.price.id,
      stream: body.stream === true,
      facts: this.factsOf(route, costEstimate),
    });
    return { held, result };
  }

  private factsOf(route: Route, cost: CostEstimate): Record<string, unknown> {
    return {
      modelKey: route.model.modelKey,
      requestedModel: route.requestedModel,
      reason: route.reason,
      usdPerCreditMicros: this.router.usdPerCredit(route.model.tier).toString(),
      estimatedInputTokens: cost.inputTokens,
      estimatedOutputTokens: cost.outputTokens,
    };
  }

  /** A stream takes a smaller first step when the wallet is low, so that others can begin, too. */
  private costOf(context: RequestContext, route: Route): CostEstimate {
    const body = filled(context.body, 'body');
    const hiddenTokens = [route, ...route.rescueModels].map(({ model }) => this.hidden.maxOf(model, asksToThink(body)));
    const output = { maxTokens: route.model.maxOutputTokens, hiddenTokens: Math.max(...hiddenTokens) };
    const cost = estimate(body, route.price, this.config, context.tokens ?? undefined, output);
    if (context.body?.stream !== true) return cost;
    const account = filled(context.key, 'key').billingAccountId;
    return elasticFreeze(cost, route.price, this.wallets.lastSeenMicros(account, route.model.tier));
  }
}

/** The maximum that is sent where the request has none and the model may write unseen: what the freeze covers. */
function clampOf({ requestedTokens, hiddenTokens, outputTokens, choices }: CostEstimate): number | null {
  return requestedTokens === null && hiddenTokens > 0 ? Math.floor(outputTokens / choices) : null;
}

function outputPrice(outputTokens: number, { price }: Route): Micros {
  return priceOf({ inputTokens: 0, outputTokens, cachedInputTokens: 0, cachedOutputTokens: 0 }, price);
}

/** 429: the rates of the key, not the wallet. */
function rateError(
  { refusal, retryAfterS, availableMicros }: Extract<FreezeResult, { ok: false }>,
  held: HeldFreeze,
): AppError {
  const what = refusal === 'rate_limit' ? 'too many requests per minute' : 'too many concurrent requests';
  return new AppError('rate_limited', what, {
    code: refusal === 'rate_limit' ? 'rate_limit' : 'concurrency_limit',
    retryAfterS: retryAfterS ?? 1,
    hint: 'Wait for the time in Retry-After.',
    facts: {
      tier: held.tier,
      needed: formatDecimal(held.amountMicros),
      available: formatDecimal(availableMicros),
      refusal,
    },
  });
}
