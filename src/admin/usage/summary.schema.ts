import { z } from 'zod';
import {
  GROUPINGS,
  type Grouping,
  type SummaryRequest,
  type UsageGroup,
  type UsageSummary,
} from '../../analytics/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import { decimalOut, plainText, tier, timeIn, timeZone, uuid } from '../http/fields.js';

const TEXT_LENGTH_MAX = 256;
const GROUPINGS_MAX = 4;
const label = plainText(TEXT_LENGTH_MAX).min(1);

const grouping = z.enum(GROUPINGS);
const groupBy = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => [value].flat().flatMap((text) => text.split(',')))
  .pipe(z.array(grouping).max(GROUPINGS_MAX))
  .refine((names) => new Set(names).size === names.length, { error: 'must not repeat' })
  .describe('Up to four of key, account, model, provider, tier, status, day, hour: comma-separated, or repeated.');

export const summaryQuerySchema = z.strictObject({
  group_by: groupBy.optional(),
  time_zone: timeZone.describe('In which days begin; an IANA name.'),
  from: timeIn.optional().describe('Requests at or after this time.'),
  to: timeIn.optional().describe('Requests before this time.'),
  account_id: uuid.optional().describe('Billing account.'),
  api_key_id: uuid.optional(),
  model: label.optional().describe('`model_key`.'),
  provider: label.optional(),
  tier: tier.optional(),
  status: z.enum(['settled', 'released', 'expired', 'failed']).optional(),
  format: z.enum(['json', 'csv']).default('json'),
});
export type SummaryQuery = z.output<typeof summaryQuerySchema>;

const count = z.int().min(0);
const percentiles = z
  .object({ p50: count, p95: count, p99: count })
  .nullable()
  .describe('Milliseconds, within 5 %; `null` when no request says.');

const sumsShape = {
  requests: count,
  streams: count.describe('Of the requests, those that streamed.'),
  input_tokens: count.describe('Without the cached ones: the buckets are disjoint.'),
  output_tokens: count,
  cached_input_tokens: count,
  cached_output_tokens: count,
  credits_used: decimalOut,
  credits_charged: decimalOut,
  shortfall: decimalOut,
  usd_cost: decimalOut,
  provider_cost_usd: decimalOut,
  margin_usd: decimalOut,
  duration_ms: percentiles,
  first_token_ms: percentiles,
};

const groupSchema = z
  .object({
    key: uuid.optional(),
    account: uuid.optional(),
    model: z.string().optional(),
    provider: z.string().nullable().optional().describe('`null` for requests that no provider served.'),
    tier: tier.optional(),
    status: z.string().optional(),
    day: z.iso.date().optional().describe('In the time zone asked for.'),
    hour: z.iso.datetime().optional().describe('When it begins, UTC.'),
    ...sumsShape,
  })
  .meta({ id: 'UsageGroup' });

export const summarySchema = z
  .object({
    from: z.iso.datetime().nullable(),
    to: z.iso.datetime().nullable(),
    time_zone: z.string(),
    group_by: z.array(grouping),
    data: z.array(groupSchema),
    total: groupSchema,
  })
  .meta({ id: 'UsageSummary' });

/** The request of the analytics module. */
export function summaryRequest(query: SummaryQuery): SummaryRequest {
  const { account_id: accountId, api_key_id: apiKeyId, model: modelKey, provider, tier: ofTier, status } = query;
  return {
    filter: { accountId, apiKeyId, modelKey, provider, tier: ofTier, status },
    groupBy: query.group_by ?? [],
    timeZone: query.time_zone,
    from: query.from ?? null,
    to: query.to ?? null,
  };
}

export function summaryView(query: SummaryQuery, { groups, total }: UsageSummary): z.output<typeof summarySchema> {
  return {
    from: query.from?.toISOString() ?? null,
    to: query.to?.toISOString() ?? null,
    time_zone: query.time_zone,
    group_by: query.group_by ?? [],
    data: groups.map(groupView),
    total: groupView(total),
  };
}

type GroupView = z.output<typeof groupSchema>;

function groupView({ by, sums, durationMs, firstTokenMs }: UsageGroup): GroupView {
  return {
    ...(by as Partial<GroupView>),
    ...(by.provider === '' ? { provider: null } : {}),
    requests: sums.requests,
    streams: sums.streams,
    input_tokens: sums.inputTokens,
    output_tokens: sums.outputTokens,
    cached_input_tokens: sums.cachedInputTokens,
    cached_output_tokens: sums.cachedOutputTokens,
    credits_used: formatDecimal(sums.creditsUsedMicros),
    credits_charged: formatDecimal(sums.creditsChargedMicros),
    shortfall: formatDecimal(sums.shortfallMicros),
    usd_cost: formatDecimal(sums.usdCostMicros),
    provider_cost_usd: formatDecimal(sums.providerCostUsdMicros),
    margin_usd: formatDecimal(sums.marginUsdMicros),
    duration_ms: durationMs,
    first_token_ms: firstTokenMs,
  };
}

/** The groups of a summary as a table; percentiles in columns of their own. */
export function summaryTable(query: SummaryQuery, summary: UsageSummary): { columns: string[]; rows: unknown[][] } {
  const groupings: readonly Grouping[] = query.group_by ?? [];
  const sums = Object.keys(sumsShape).filter((name) => !name.endsWith('_ms'));
  const latencies = ['duration_ms', 'first_token_ms'] as const;
  const columns = [
    ...groupings,
    ...sums,
    ...latencies.flatMap((name) => [`${name}_p50`, `${name}_p95`, `${name}_p99`]),
  ];
  const rows = summary.groups
    .map(groupView)
    .map((view) => [
      ...[...groupings, ...sums].map((name) => view[name as keyof GroupView]),
      ...latencies.flatMap((name) => [view[name]?.p50, view[name]?.p95, view[name]?.p99]),
    ]);
  return { columns, rows };
}
