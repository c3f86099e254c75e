import type { Candidate, Decision, Route } from './model.js';

/** The candidates of a choice as explanations show them, and as a replay reads them. */
export function candidateFactsOf(candidates: readonly Candidate[]): Record<string, unknown>[] {
  return candidates.map(({ modelKey, tier, score, lost, weighed }) => {
    const shown = { model_key: modelKey, tier, score, lost };
    if (weighed === undefined) return shown;
    const { share, ...numbers } = weighed;
    return share === 0 ? { ...shown, ...numbers } : { ...shown, ...numbers, share };
  });
}

/** How a model was found, for the explanation of the request: complete enough to choose again from it. */
export function routeFactsOf(route: Route): Record<string, unknown> {
  return {
    requested_model: route.requestedModel,
    selected_model: route.model.modelKey,
    tier: route.model.tier,
    reason: route.reason,
    candidates: candidateFactsOf(route.candidates),
    endpoints: route.endpoints.map((endpoint) => endpoint.providerName),
    ...(route.decision === null ? {} : { decision: decisionFactsOf(route.decision) }),
  };
}

function decisionFactsOf(decision: Decision): Record<string, unknown> {
  const { version, group, weights, gain, demand, kept, nearEqual, inputTokens, outputTokens, routersChoice } = decision;
  return {
    version,
    group,
    weights,
    gain,
    demand,
    kept,
    near_equal: nearEqual,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    routers_choice: routersChoice,
    ...(decision.tilt === 0 ? {} : { tilt: decision.tilt }),
  };
}
