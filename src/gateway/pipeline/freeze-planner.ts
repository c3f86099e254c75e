import { Inject, Injectable } from '@nestjs/common';
import { estimate } from '../../billing/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AppError } from '../../platform/errors/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import { AUTO_MODEL, RouterService, type Route } from '../../router/index.js';
import { WalletService, type FreezeRefusal, type FreezeResult, type Tier } from '../../wallet/index.js';
import { filled, type HeldFreeze, type RequestContext } from './context.js';
import { RoutePlanner } from './route-planner.js';

/** Where `auto` looks next when the wallet of its first choice cannot pay, best first. */
const FALLBACK_TIERS: Readonly<Record<Tier, readonly Tier[]>> = {
  premium: ['standard', 'economy'],
  standard: ['premium', 'economy'],
  economy: ['standard', 'premium'],
};

const WALLET_REFUSALS: ReadonlySet<FreezeRefusal> = new Set(['wallet_too_low', 'wallet_missing']);

interface Attempted {
  held: HeldFreeze;
  result: FreezeResult;
}

/** Freezes the estimate; for `auto`, tries the other allowed tiers by routing again when the wallet is too low. */
@Injectable()
export class FreezePlanner {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly wallets: WalletService,
    private readonly router: RouterService,
    private readonly planner: RoutePlanner,
  ) {}

  /**
   * Fills `context.freeze`, and replaces `context.route` after a fallback.
   * @throws AppError `insufficient_quota` or `rate_limited`; nothing is held then.
   */
  async freeze(context: RequestContext): Promise<void> {
    const firstRoute = filled(context.route, 'route');
    const first = await this.attempt(context, firstRoute);
    if (first.result.ok) {
      context.freeze = first.held;
      return;
    }
    const policy = filled(context.policy, 'policy');
    if (policy.fallsBack && WALLET_REFUSALS.has(first.result.refusal)) {
      for (const tier of FALLBACK_TIERS[firstRoute.model.tier]) {
        if (policy.allowedTiers.includes(tier) && (await this.fallBack(context, tier))) {
          context.fallbackFrom = firstRoute.model.tier;
          return;
        }
      }
    }
    throw refusalError(first.result, first.held);
  }

  /** Whether another tier has a candidate and can pay for it. */
  private async fallBack(context: RequestContext, tier: Tier): Promise<boolean> {
    const route = this.routeOrNull(context, tier);
    if (route === null) return false;
    const { held, result } = await this.attempt(context, route);
    if (!result.ok) return false;
    context.route = route;
    context.freeze = held;
    return true;
  }

  private routeOrNull(context: RequestContext, tier: Tier): Route | null {
    try {
      return this.planner.plan(context, [tier], AUTO_MODEL);
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }

  private async attempt(context: RequestContext, route: Route): Promise<Attempted> {
    const body = filled(context.body, 'body');
    const key = filled(context.key, 'key');
    const costEstimate = estimate(body, route.price, this.config, context.tokens ?? undefined);
    const usdPerCreditMicros = this.router.usdPerCredit(route.model.tier);
    const held: HeldFreeze = {
      tier: route.model.tier,
      amountMicros: costEstimate.amountMicros,
      estimate: costEstimate,
      usdPerCreditMicros,
    };
    const result = await this.wallets.freeze({
      id: context.requestId,
      clientRequestId: context.clientRequestId,
      accountId: key.billingAccountId,
      tier: route.model.tier,
      apiKeyId: key.id,
      amountMicros: costEstimate.amountMicros,
      limits: {
        dailyMicros: key.limitDailyMicros,
        weeklyMicros: key.limitWeeklyMicros,
        requestsPerMinute: key.limitRpm,
        concurrency: key.limitConcurrency,
      },
      modelId: route.model.id,
      priceId: route.price.id,
      stream: body.stream === true,
      facts: {
        modelKey: route.model.modelKey,
        requestedModel: route.requestedModel,
        reason: route.reason,
        usdPerCreditMicros: usdPerCreditMicros.toString(),
        estimatedInputTokens: costEstimate.inputTokens,
        estimatedOutputTokens: costEstimate.outputTokens,
      },
    });
    return { held, result };
  }
}

const QUOTA_MESSAGES: Readonly<Record<Exclude<FreezeRefusal, 'rate_limit' | 'concurrency_limit'>, [string, string]>> = {
  wallet_too_low: ['insufficient credits in the wallet', 'Top the wallet up, lower max_tokens or use a cheaper model.'],
  wallet_missing: ['insufficient credits in the wallet', 'Top the wallet up, lower max_tokens or use a cheaper model.'],
  daily_quota: ['the daily quota of the API key is used up', 'Wait until 00:00 UTC or ask for a higher limit.'],
  weekly_quota: [
    'the weekly quota of the API key is used up',
    'Wait until Monday 00:00 UTC or ask for a higher limit.',
  ],
};

function refusalError(result: Extract<FreezeResult, { ok: false }>, held: HeldFreeze): AppError {
  const facts = {
    tier: held.tier,
    needed: formatDecimal(held.amountMicros),
    available: formatDecimal(result.availableMicros),
    refusal: result.refusal,
  };
  if (result.refusal === 'rate_limit' || result.refusal === 'concurrency_limit') {
    const what = result.refusal === 'rate_limit' ? 'too many requests per minute' : 'too many concurrent requests';
    return new AppError('rate_limited', what, {
      code: result.refusal,
      retryAfterS: result.retryAfterS ?? 1,
      hint: 'Wait for the time in Retry-After.',
      facts,
    });
  }
  const { refusal } = result;
  const [message, hint] = QUOTA_MESSAGES[refusal];
  const isQuota = refusal === 'daily_quota' || refusal === 'weekly_quota';
  return new AppError('insufficient_quota', isQuota ? message : `${message} of the ${held.tier} tier`, {
    code: isQuota ? `${refusal}_exceeded` : 'wallet_too_low',
    hint,
    facts,
  });
}
