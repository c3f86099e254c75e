/** What is summed. */
export const SUMS = [
  'requests',
  'streams',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'cached_output_tokens',
  'credits_used',
  'credits_charged',
  'shortfall',
  'usd_cost',
  'provider_cost_usd',
  'margin_usd',
] as const;

/** Packed histograms, which are summed like any number. */
export const HISTOGRAMS = ['duration', 'first_token'] as const;

/** Every column that adds up. */
export const ADDED = [...SUMS, ...HISTOGRAMS] as const;

const CHARGED_USD = `case when u.credits_used = u.credits_charged then u.usd_cost::numeric
  else div(u.usd_cost::numeric * u.credits_charged, u.credits_used) end`;

function placeOf(field: string): string {
  return `coalesce(latency_place((u.outcome ->> '${field}')::double precision), 0)`;
}

/** One usage record `u` as a rollup row of its own: all dimensions and all columns above. */
export const RECORD_PARTS = `u.account_id, u.api_key_id, u.model_key, coalesce(u.provider, '') as provider, u.tier, u.status,
  1::bigint as requests, u.stream::integer::bigint as streams, u.input_tokens::bigint, u.output_tokens::bigint,
  u.cached_input_tokens::bigint, u.cached_output_tokens::bigint, u.credits_used::numeric, u.credits_charged::numeric,
  u.shortfall::numeric, u.usd_cost::numeric, u.provider_cost_usd::numeric,
  ${CHARGED_USD} - u.provider_cost_usd as margin_usd,
  ${placeOf('durationMs')} as duration, ${placeOf('firstTokenMs')} as first_token`;
