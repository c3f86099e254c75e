import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { routeFactsOf } from '../../router/index.js';
import { RoutePlanner } from './route-planner.js';
import { contextOf, filled } from './context.js';

/** Stage 5: the model and its provider endpoints in order of trial. */
@Injectable()
export class RouteGuard implements CanActivate {
  constructor(private readonly planner: RoutePlanner) {}

  canActivate(execution: ExecutionContext): boolean {
    const context = contextOf(execution.switchToHttp().getRequest());
    const policy = filled(context.policy, 'policy');
    context.route = this.planner.plan(context, policy.allowedTiers);
    context.close('route', 'passed', routeFactsOf(context.route));
    return true;
  }
}
