import { Injectable } from '@nestjs/common';
import { AppError } from '../../platform/errors/index.js';
import type { Route } from '../../router/index.js';
import { filled, type RequestContext } from './context.js';
import { FreezePlanner } from './freeze-planner.js';
import { RoutePlanner } from './route-planner.js';

/** Each one is larger than the one before; who is refused so often has a prompt that fits nowhere. */
const LARGER_MODELS_MAX = 2;

/**
 * What a caller of `auto` gets when the prompt is too long for the chosen model, whatever its estimate said: the next
 * candidate of the same tier whose context is larger, at its own price. A caller who names a model gets the refusal.
 */
@Injectable()
export class LargerModel {
  constructor(
    private readonly planner: RoutePlanner,
    private readonly freezes: FreezePlanner,
  ) {}

  /** @returns whether the context now holds another route and the freeze for it. */
  async take(context: RequestContext): Promise<boolean> {
    const { model } = filled(context.route, 'route');
    if (!filled(context.policy, 'policy').fallsBack || context.outgrown.length >= LARGER_MODELS_MAX) return false;
    if (context.caller.gone.aborted) return false;
    const route = this.routeOrNull(context);
    if (route === null || route.model.contextWindow <= model.contextWindow) return false;
    if (!(await this.freezes.reassign(context, route))) return false;
    context.outgrown.push({ modelKey: model.modelKey, next: route });
    return true;
  }

  private routeOrNull(context: RequestContext): Route | null {
    const { model } = filled(context.route, 'route');
    const { model: requested } = filled(context.policy, 'policy');
    try {
      return this.planner.plan(context, [model.tier], requested, model.contextWindow);
    } catch (error) {
      if (error instanceof AppError) return null;
      throw error;
    }
  }
}
