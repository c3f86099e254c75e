import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { routeFactsOf } from '../../router/index.js';
import { RoutePlanner } from './route-planner.js';
import { contextOf, filled } from './context.js';

/** Stage 5: the model and its provider endpoints in order of trial. */
@Injectable()
export class RouteInterceptor implements NestInterceptor {
  constructor(private readonly planner: RoutePlanner) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context = contextOf(execution.switchToHttp().getRequest());
    const policy = filled(context.policy, 'policy');
    context.route = this.planner.plan(context, policy.allowedTiers);
    context.close('route', 'passed', routeFactsOf(context.route));
    return next.handle();
  }
}
