import type { StageRecord } from './trace.js';
import type { Verdict } from './verdict.js';

type Facts = Readonly<Record<string, unknown>>;

/** How many of the reasons of an empty choice are told; the stage has every candidate. */
const REASONS_TOLD = 3;

/**
 * What an operator is told of a refusal whose facts say more than the caller may know: addresses, rules, the state of the
 * pool, balances of other tiers. By the error code of the stage.
 */
const DIAGNOSES: Readonly<Record<string, (facts: Facts) => Verdict>> = {
  ip_not_allowed: addressNotAllowed,
  ip_blocked: addressBlocked,
  tier_not_allowed: tierNotAllowed,
  fixed_model: fixedModel,
  model_blacklisted: blacklisted,
  model_not_found: modelNotFound,
  no_candidate: noCandidate,
  no_healthy_endpoint: noHealthyEndpoint,
  wallet_empty: walletEmpty,
  wallet_too_low: walletTooLow,
};

/** @returns `null` when the error says everything itself. */
export function diagnose(stage: StageRecord): Verdict | null {
  const code = stage['error'];
  return typeof code === 'string' ? (DIAGNOSES[code]?.(stage) ?? null) : null;
}

function addressNotAllowed(facts: Facts): Verdict {
  const ip = text(facts['client_ip']);
  return {
    verdict: `${cameFrom(facts)}, which the allowlist of policy ${text(facts['policy_id'])} does not hold.`,
    next_step: `Add ${ip} to ip_allowlist of the policy, or let the client call from an address that it holds.${proxyAdvice(facts)}`,
  };
}

function addressBlocked(facts: Facts): Verdict {
  return {
    verdict: `${cameFrom(facts)}, which policy ${text(facts['policy_id'])} blocks (${text(facts['matched_rule'])}).`,
    next_step: `Take the address out of ip_blocklist of the policy if it should pass.${proxyAdvice(facts)}`,
  };
}

const SOURCES: Readonly<Record<string, string>> = {
  socket: 'the peer of the connection',
  'x-forwarded-for': 'from X-Forwarded-For of a trusted proxy',
  'x-real-ip': 'from X-Real-IP of a trusted proxy',
};

function cameFrom(facts: Facts): string {
  const source = text(facts['client_ip_source']);
  return `The request came from ${text(facts['client_ip'])} (${SOURCES[source] ?? source})`;
}

function proxyAdvice(facts: Facts): string {
  const header = facts['ignored_header'];
  if (typeof header !== 'string') return '';
  return ` The peer also sent ${header}, which was not believed: if the peer is your proxy, put its address into TRUSTED_PROXIES.`;
}

function tierNotAllowed(facts: Facts): Verdict {
  const asked = facts['requested_tier'];
  const said = [
    typeof asked === 'string' ? `the request asks for ${asked}` : 'the request asks for none',
    typeof facts['key_tier'] === 'string' ? `the key allows only ${facts['key_tier']}` : 'the key allows every tier',
    `its policy allows ${names(facts['policy_tiers'])}`,
  ];
  const model =
    typeof facts['model_tier'] === 'string' ? ` The model ${text(facts['model'])} is ${facts['model_tier']}.` : '';
  return {
    verdict: `The tier is not allowed: ${said.join(', ')}.${model}`,
    next_step: "Change the key's tier or the policy's allowed_tiers, or let the client ask for a tier that both allow.",
  };
}

function fixedModel(facts: Facts): Verdict {
  const [fixed, asked] = [text(facts['fixed_model']), text(facts['requested_model'])];
  return {
    verdict: `The key is bound to the model ${fixed}; the request names ${asked}.`,
    next_step: `Let the client send "auto" or no model, or change fixed_model of the key.`,
  };
}

function blacklisted(facts: Facts): Verdict {
  const rule = typeof facts['matched_rule'] === 'string' ? ` (${facts['matched_rule']})` : '';
  return {
    verdict: `The blacklist of policy ${text(facts['policy_id'])} covers the model ${text(facts['model'])}${rule}.`,
    next_step: 'Take the pattern out of model_blacklist of the policy, or let the client use another model.',
  };
}

function modelNotFound(facts: Facts): Verdict {
  const model = text(facts['requested_model']);
  if (facts['in_pool'] === 'disabled') {
    return {
      verdict: `The model ${model} is in the pool but disabled.`,
      next_step: 'Enable the model, or use another one.',
    };
  }
  return {
    verdict: `The model ${model} is not in the pool.`,
    next_step: 'Add it to the pool with a price and an endpoint, or correct the name that the client sends.',
  };
}

function noCandidate(facts: Facts): Verdict {
  const reasons = lostReasons(facts['candidates']);
  if (reasons.length === 0) {
    return {
      verdict: '`auto` found no model: the pool has none that is enabled in the tiers of the request.',
      next_step:
        'Enable a model with a price and an endpoint in a tier that the key may use and whose wallet has credits.',
    };
  }
  const told = reasons.slice(0, REASONS_TOLD).map(([reason, models]) => `${models.join(', ')}: ${reason}`);
  return {
    verdict: `\`auto\` found no model that can serve the request (${told.join('; ')}).`,
    next_step:
      'The candidates of the route stage tell why each model lost: allow another tier, change the blacklist, or add a model that can do what the request needs.',
  };
}

/** Reasons with the models that fell by them, the most frequent first. */
function lostReasons(candidates: unknown): [string, string[]][] {
  const byReason = new Map<string, string[]>();
  for (const candidate of Array.isArray(candidates) ? (candidates as Facts[]) : []) {
    if (typeof candidate['lost'] !== 'string') continue;
    byReason.set(candidate['lost'], [...(byReason.get(candidate['lost']) ?? []), text(candidate['model_key'])]);
  }
  return [...byReason].sort(([, left], [, right]) => right.length - left.length);
}

function noHealthyEndpoint(facts: Facts): Verdict {
  const model = facts['selected_model'];
  const reasons = lostReasons(facts['candidates']).map(([reason]) => reason);
  const what = typeof model === 'string' ? `The model ${model}` : 'Every model that could serve the request';
  return {
    verdict: `${what} has no endpoint that can be called now: ${reasons.slice(0, REASONS_TOLD).join('; ')}.`,
    next_step:
      'Test the providers of its endpoints (POST /admin/v1/providers/{id}/test); a breaker closes by itself when they answer.',
  };
}

function walletEmpty(facts: Facts): Verdict {
  return {
    verdict: `No credits are left in the ${names(facts['empty_tiers'])} wallet.${balances(facts)}`,
    next_step: fundedAdvice(facts),
  };
}

function walletTooLow(facts: Facts): Verdict {
  const { tier, needed, available } = facts;
  const fits = [
    typeof facts['fitting_max_tokens'] === 'number'
      ? `max_tokens up to ${facts['fitting_max_tokens'].toString()}`
      : null,
    typeof facts['fitting_model'] === 'string' ? `the model ${facts['fitting_model']}` : null,
  ].filter((one) => one !== null);
  const fitted = fits.length === 0 ? '' : ` What would have fitted: ${fits.join(', or ')}.`;
  return {
    verdict: `The ${text(tier)} wallet has ${text(available)} of the ${text(needed)} credits that the request needs.${balances(facts)}${fitted}`,
    next_step: fundedAdvice(facts),
  };
}

function balances(facts: Facts): string {
  const all = facts['balances'];
  if (typeof all !== 'object' || all === null) return '';
  const told = Object.entries(all).map(([tier, available]) => `${tier} ${text(available)}`);
  return ` Available by tier: ${told.join(', ')}.`;
}

function fundedAdvice(facts: Facts): string {
  const funded = facts['funded_elsewhere'];
  if (!Array.isArray(funded) || funded.length === 0) return 'Top the wallet up.';
  return `Top the wallet up; credits of the ${names(funded)} tier pay only for models of that tier, so the request would have to use one of those.`;
}

function names(value: unknown): string {
  return Array.isArray(value) ? value.map(text).join(', ') : text(value);
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? value.toString() : 'none';
}
