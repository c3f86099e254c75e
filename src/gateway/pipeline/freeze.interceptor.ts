import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { finalize, from, mergeMap, type Observable } from 'rxjs';
import { formatDecimal } from '../../platform/money/index.js';
import { routeFactsOf } from '../../router/index.js';
import { contextOf, filled } from './context.js';
import { FreezePlanner } from './freeze-planner.js';
import { RunningCalls } from './running-calls.js';

/** Stage 6: reserves the estimated credits, in one round trip, before anything is sent to a provider. */
@Injectable()
export class FreezeInterceptor implements NestInterceptor {
  constructor(
    private readonly planner: FreezePlanner,
    private readonly calls: RunningCalls,
  ) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context = contextOf(execution.switchToHttp().getRequest());
    this.calls.begin(context);
    const held = this.planner.freeze(context).then(() => {
      const freeze = filled(context.freeze, 'freeze');
      context.close('freeze', 'passed', {
        amount: formatDecimal(freeze.amountMicros),
        tier: freeze.tier,
        estimated_input_tokens: freeze.estimate.inputTokens,
        estimated_output_tokens: freeze.estimate.outputTokens,
        state: 'held',
        ...(freeze.outputTokensClamp === null ? {} : { output_tokens_clamp: freeze.outputTokensClamp }),
        ...(context.rerouted ? { route: routeFactsOf(filled(context.route, 'route')) } : {}),
        ...(context.fallbackFrom === null ? {} : { fallback_from: context.fallbackFrom }),
      });
    });
    return from(held).pipe(
      mergeMap(() => next.handle()),
      finalize(() => this.calls.end(context)),
    );
  }
}
