import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { AppError } from '../../platform/errors/index.js';
import { PolicyService, type PolicyDecision } from '../../policy/index.js';
import { RouterService } from '../../router/index.js';
import { WalletService, type Tier } from '../../wallet/index.js';
import { contextOf, filled, type FastifyRequest } from './context.js';

/** Stage 4: what the key may do, what is left of its quotas, and whether a wallet has anything at all. */
@Injectable()
export class PolicyGuard implements CanActivate {
  constructor(
    private readonly policies: PolicyService,
    private readonly router: RouterService,
    private readonly wallets: WalletService,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const context = contextOf(request);
    const key = filled(context.key, 'key');
    const body = filled(context.body, 'body');
    context.clientIp = this.policies.resolveClientIp(request.socket.remoteAddress ?? '', request.headers);
    const decision = this.policies.decide({
      key,
      clientIp: context.clientIp,
      requestedTier: body.tier ?? null,
      requestedModel: body.model ?? null,
      findModel: (nameOrId) => this.router.findModel(nameOrId),
    });
    await this.policies.checkQuota(key);
    const allowedTiers = await this.fundedTiers(decision, key.billingAccountId);
    context.policy = { ...decision, allowedTiers };
    context.close('policy', 'passed', { ...decision.facts, funded_tiers: allowedTiers });
    return true;
  }

  /**
   * The wallet precheck. `auto` leaves tiers with an empty wallet out; a concrete model needs the wallet of its tier.
   * @throws AppError `insufficient_quota` when nothing is left.
   */
  private async fundedTiers(decision: PolicyDecision, accountId: string): Promise<readonly Tier[]> {
    if (decision.concrete) {
      const model = this.router.findModel(decision.model);
      if (model?.enabled === true && !(await this.wallets.hasBalance(accountId, model.tier)))
        throw walletEmpty([model.tier]);
      return decision.allowedTiers;
    }
    const funded: Tier[] = [];
    for (const tier of decision.allowedTiers) {
      if (await this.wallets.hasBalance(accountId, tier)) funded.push(tier);
    }
    if (funded.length === 0) throw walletEmpty(decision.allowedTiers);
    return funded;
  }
}

function walletEmpty(tiers: readonly Tier[]): AppError {
  const names = tiers.join(', ');
  return new AppError('insufficient_quota', `no credits are left in the ${names} wallet`, {
    code: 'wallet_empty',
    hint: 'Top the wallet up, or use a model of a tier that has credits.',
    facts: { empty_tiers: tiers },
  });
}
