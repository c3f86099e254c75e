import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { formatDecimal } from '../../platform/money/index.js';
import { routeFactsOf } from '../../router/index.js';
import { contextOf, filled, type RequestContext } from './context.js';
import { FreezePlanner } from './freeze-planner.js';
import { RunningCalls } from './running-calls.js';

/**
 * Stage 6: reserves the estimated credits, in one round trip, before anything is sent to a provider. Nothing stands between
 * this guard and the capture interceptor, which ends every freeze.
 */
@Injectable()
export class FreezeGuard implements CanActivate {
  constructor(
    private readonly planner: FreezePlanner,
    private readonly calls: RunningCalls,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const context = contextOf(execution.switchToHttp().getRequest());
    this.calls.begin(context);
    try {
      await this.planner.freeze(context);
    } catch (error) {
      this.calls.end(context);
      throw error;
    }
    context.close('freeze', 'passed', freezeFactsOf(context));
    return true;
  }
}

function freezeFactsOf(context: RequestContext): Record<string, unknown> {
  const freeze = filled(context.freeze, 'freeze');
  return {
    amount: formatDecimal(freeze.amountMicros),
    tier: freeze.tier,
    estimated_input_tokens: freeze.estimate.inputTokens,
    estimated_output_tokens: freeze.estimate.outputTokens,
    ...(freeze.estimate.hiddenTokens === 0 ? {} : { hidden_output_tokens: freeze.estimate.hiddenTokens }),
    state: 'held',
    ...(freeze.outputTokensClamp === null ? {} : { output_tokens_clamp: freeze.outputTokensClamp }),
    ...(context.rerouted ? { route: routeFactsOf(filled(context.route, 'route')) } : {}),
    ...(context.fallbackFrom === null ? {} : { fallback_from: context.fallbackFrom }),
  };
}
