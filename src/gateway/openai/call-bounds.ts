import type { UsageBounds } from '../../billing/index.js';
import type { Endpoint } from '../../provider/index.js';
import { filled, type RequestContext } from '../pipeline/context.js';

/**
 * What a call can come to at most.
 * @param endpoint where it was served; `null` when it was served nowhere.
 */
export function boundsOf(context: RequestContext, endpoint: Endpoint | null): UsageBounds {
  const { model, rescueModels } = filled(context.route, 'route');
  const { estimate, outputTokensClamp } = filled(context.freeze, 'freeze');
  const rescuer = rescueModels.find((rescue) => rescue.model.id === endpoint?.modelId)?.model ?? model;
  const { requestedTokens, choices } = estimate;
  const clampTokens = outputTokensClamp === null ? null : outputTokensClamp * choices;
  return {
    modelTokens: Math.max(model.maxOutputTokens, rescuer.maxOutputTokens) * choices,
    sentTokens: clampTokens === null ? requestedTokens : Math.min(clampTokens, requestedTokens ?? clampTokens),
    contextTokens: Math.max(model.contextWindow, rescuer.contextWindow, endpoint?.contextWindow ?? 0),
  };
}
