import { Inject, Injectable } from '@nestjs/common';
import { estimate, outputTokensFor, priceOf, type CostEstimate } from '../../billing/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AppError } from '../../platform/errors/index.js';
import { formatDecimal, micros, type Micros } from '../../platform/money/index.js';
import type { PolicyDecision } from '../../policy/index.js';
import { canDo, HiddenOutputs, RouterService, type Price } from '../../router/index.js';
import { TIERS, WalletService, type Tier, type WalletBalance } from '../../wallet/index.js';
import { capabilitiesOf } from '../openai/chat-request.js';
import { asksToThink } from '../openai/thinking.js';
import { filled, type HeldFreeze, type RequestContext } from './context.js';

/** Models that are priced for one piece of advice. */
const PRICED_MAX = 500;

/** What there is, and what of it could have paid for the request. */
interface Advice {
  /** For operators: what is left by tier, and which other tiers have credits. */
  facts: Record<string, unknown>;
  /** Of the wallets that the request may use. */
  hint: string;
}

/**
 * The 402 of a wallet, with what would have fitted. It reads all wallets of the account; only refused requests pay for that,
 * and one whose wallets cannot be read is refused with less advice.
 */
@Injectable()
export class WalletRefusals {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly wallets: WalletService,
    private readonly router: RouterService,
    private readonly hidden: HiddenOutputs,
  ) {}

  /** Nothing is left in any of the tiers that the request would use. */
  async empty(context: RequestContext, tiers: readonly Tier[], decision: PolicyDecision): Promise<AppError> {
    const advice = adviceOf(await this.balancesOf(context), tiers, decision);
    return new AppError('insufficient_quota', `no credits are left in the ${tiers.join(', ')} wallet`, {
      code: 'wallet_empty',
      hint: advice.hint,
      facts: { empty_tiers: tiers, ...advice.facts },
    });
  }

  /** The freeze was refused: the wallet has less than the estimate. */
  async tooLow(context: RequestContext, held: HeldFreeze, availableMicros: Micros): Promise<AppError> {
    const { tier, amountMicros } = held;
    const balances = await this.balancesOf(context);
    const advice = adviceOf(balances, [tier], filled(context.policy, 'policy'));
    const maxTokens = fittingMaxTokens(held.estimate, filled(context.route, 'route').price, availableMicros);
    const model = this.fittingModel(context, balances);
    const fits = [
      maxTokens === null ? null : `max_tokens up to ${maxTokens.toString()}`,
      model === null ? null : `the model ${model}`,
    ].filter((one) => one !== null);
    const short = `The ${tier} wallet has ${formatDecimal(availableMicros)} of the ${formatDecimal(amountMicros)} credits needed.`;
    return new AppError('insufficient_quota', `insufficient credits in the wallet of the ${tier} tier`, {
      code: 'wallet_too_low',
      hint: `${short} ${fits.length === 0 ? advice.hint : `What would fit: ${fits.join(', or ')}.`}`,
      facts: {
        tier,
        needed: formatDecimal(amountMicros),
        available: formatDecimal(availableMicros),
        ...(maxTokens === null ? {} : { fitting_max_tokens: maxTokens }),
        ...(model === null ? {} : { fitting_model: model }),
        ...advice.facts,
      },
    });
  }

  /** The freeze was refused: it would pass a quota of the key, which need not be used up. */
  async quota(context: RequestContext, held: HeldFreeze, refusal: 'daily_quota' | 'weekly_quota'): Promise<AppError> {
    const window = refusal === 'daily_quota' ? 'daily' : 'weekly';
    const leftMicros = await this.quotaLeft(context, window);
    const isUsedUp = leftMicros === null || leftMicros <= 0n;
    const needed = formatDecimal(held.amountMicros);
    const maxTokens = isUsedUp
      ? null
      : fittingMaxTokens(held.estimate, filled(context.route, 'route').price, leftMicros);
    const smaller = maxTokens === null ? '' : `Send max_tokens up to ${maxTokens.toString()}, or wait`;
    const message = isUsedUp
      ? `the ${window} quota of the API key is used up`
      : `the ${window} quota of the API key has ${formatDecimal(leftMicros)} credits left, and this request needs ${needed}`;
    return new AppError('insufficient_quota', message, {
      code: `${window}_quota_exceeded`,
      hint: `${smaller === '' ? 'Wait' : smaller} until ${window === 'daily' ? '' : 'Monday '}00:00 UTC, or ask for a higher limit.`,
      facts: {
        tier: held.tier,
        needed,
        refusal,
        ...(leftMicros === null ? {} : { quota_left: formatDecimal(leftMicros) }),
        ...(maxTokens === null ? {} : { fitting_max_tokens: maxTokens }),
      },
    });
  }

  /** What a window of the key has left now; `null` when that cannot be read. */
  private async quotaLeft(context: RequestContext, window: 'daily' | 'weekly'): Promise<Micros | null> {
    const key = filled(context.key, 'key');
    const limit = window === 'daily' ? key.limitDailyMicros : key.limitWeeklyMicros;
    const used = await this.wallets.quotaUsed(key.billingAccountId, key.id).catch(() => null);
    if (limit === null || used === null) return null;
    return micros(limit - (window === 'daily' ? used.dailyMicros : used.weeklyMicros));
  }

  /** The cheapest model that may be used, can do what the request needs, and fits the wallet of its tier. */
  private fittingModel(context: RequestContext, balances: readonly WalletBalance[]): string | null {
    const policy = filled(context.policy, 'policy');
    const body = filled(context.body, 'body');
    const needs = { ...capabilitiesOf(body), inputTokens: 0, outputTokens: 0, frozenOutputTokens: 0 };
    const thinks = asksToThink(body);
    let best: { modelKey: string; amountMicros: Micros } | null = null;
    for (const model of this.router.catalog().models.slice(0, PRICED_MAX)) {
      const usable = policy.allowedTiers.includes(model.tier) && !policy.isBlacklisted(model) && canDo(model, needs);
      if (!usable || model.price === null) continue;
      const output = { maxTokens: model.maxOutputTokens, hiddenTokens: this.hidden.maxOf(model, thinks) };
      const { amountMicros } = estimate(body, model.price, this.config, context.tokens ?? undefined, output);
      const fits = amountMicros <= availableIn(balances, model.tier);
      if (fits && (best === null || amountMicros < best.amountMicros))
        best = { modelKey: model.modelKey, amountMicros };
    }
    return best?.modelKey ?? null;
  }

  private async balancesOf(context: RequestContext): Promise<readonly WalletBalance[]> {
    return this.wallets.balances(filled(context.key, 'key').billingAccountId).catch(() => []);
  }
}

function adviceOf(balances: readonly WalletBalance[], refused: readonly Tier[], decision: PolicyDecision): Advice {
  if (balances.length === 0) return { facts: {}, hint: 'Top the wallet up.' };
  const funded = balances.filter(({ tier, availableMicros }) => !refused.includes(tier) && availableMicros > 0n);
  const usable = funded.map(({ tier }) => tier).filter((tier) => decision.allowedTiers.includes(tier));
  return {
    facts: {
      balances: Object.fromEntries(TIERS.map((tier) => [tier, formatDecimal(availableIn(balances, tier))])),
      funded_elsewhere: funded.map(({ tier }) => tier),
    },
    hint:
      usable.length === 0
        ? 'Top the wallet up.'
        : `Top the wallet up, or use a model of the ${usable.join(' or ')} tier, whose wallet has credits.`,
  };
}

function availableIn(balances: readonly WalletBalance[], tier: Tier): Micros {
  return balances.find((balance) => balance.tier === tier)?.availableMicros ?? micros(0);
}

/** Largest maximum of output tokens a choice that the wallet pays for; `null` when it does not even pay for the prompt. */
function fittingMaxTokens(cost: CostEstimate, price: Price, availableMicros: Micros): number | null {
  if (cost.inputTokens === 0) return null;
  const { inputTokens } = cost;
  const promptMicros = priceOf({ inputTokens, outputTokens: 0, cachedInputTokens: 0, cachedOutputTokens: 0 }, price);
  const tokens = Math.floor(outputTokensFor(availableMicros - promptMicros, price) / cost.choices);
  return tokens < 1 ? null : tokens;
}
