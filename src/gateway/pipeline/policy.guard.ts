import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { PolicyService } from '../../policy/index.js';
import { AUTO_MODEL, isAutoModel, RouterService } from '../../router/index.js';
import { WalletService, type Tier } from '../../wallet/index.js';
import { contextOf, filled, type AppliedPolicy, type FastifyRequest, type RequestContext } from './context.js';
import { WalletRefusals } from './wallet-refusals.js';

/** Stage 4: what the key may do, what is left of its quotas, and whether a wallet has anything at all. */
@Injectable()
export class PolicyGuard implements CanActivate {
  constructor(
    private readonly policies: PolicyService,
    private readonly router: RouterService,
    private readonly wallets: WalletService,
    private readonly refusals: WalletRefusals,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const context = contextOf(request);
    const key = filled(context.key, 'key');
    const body = filled(context.body, 'body');
    const decision = this.policies.decide({
      key,
      clientIp: filled(context.clientIp, 'clientIp'),
      requestedTier: body.tier ?? null,
      requestedModel: body.model ?? null,
      findModel: (nameOrId) => this.router.findModel(nameOrId),
    });
    await this.policies.checkQuota(key);
    const namesNoModel = isAutoModel(body.model ?? AUTO_MODEL) && key.fixedModel === null;
    context.policy = await this.applyBalances(context, { ...decision, fallsBack: namesNoModel }, key.billingAccountId);
    context.close('policy', 'passed', { ...decision.facts, funded_tiers: context.policy.allowedTiers });
    return true;
  }

  /**
   * The wallet precheck. A concrete model needs the wallet of its tier; without one, tiers with an empty wallet are left
   * out, and the configured default model gives way to `auto` when its own wallet is empty.
   * @throws AppError `insufficient_quota` when nothing is left.
   */
  private async applyBalances(
    context: RequestContext,
    decision: AppliedPolicy,
    accountId: string,
  ): Promise<AppliedPolicy> {
    if (decision.concrete) {
      const model = this.router.findModel(decision.model);
      if (model?.enabled !== true || (await this.wallets.hasBalance(accountId, model.tier))) return decision;
      if (!decision.fallsBack) throw await this.refusals.empty(context, [model.tier], decision);
    }
    const funded: Tier[] = [];
    for (const tier of decision.allowedTiers) {
      if (await this.wallets.hasBalance(accountId, tier)) funded.push(tier);
    }
    if (funded.length === 0) throw await this.refusals.empty(context, decision.allowedTiers, decision);
    const model = decision.concrete ? AUTO_MODEL : decision.model;
    return { ...decision, model, concrete: false, allowedTiers: funded };
  }
}
