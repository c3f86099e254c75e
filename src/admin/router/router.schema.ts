import { z } from 'zod';
import { timeIn, timeOut } from '../http/fields.js';

const DAY_MS = 86_400_000;
const RANGE_DAYS_MAX = 400;

export const routerReportQuerySchema = z
  .strictObject({
    from: timeIn.optional().describe('Requests of whole hours from then on; a week before `to` when absent.'),
    to: timeIn.optional().describe('Requests before that hour; now, the running hour included, when absent.'),
  })
  .refine(({ from, to }) => from === undefined || to === undefined || from < to, {
    error: 'must be before `to`',
    path: ['from'],
  })
  .refine(({ from, to }) => from === undefined || Number(to ?? Date.now()) - Number(from) <= RANGE_DAYS_MAX * DAY_MS, {
    error: `must be at most ${RANGE_DAYS_MAX} days before \`to\``,
    path: ['from'],
  });
export type RouterReportQuery = z.output<typeof routerReportQuerySchema>;

const count = z.number();
const counts = z.record(z.string(), count);
const times = z.object({ mean: count.nullable(), p50: count.nullable(), p95: count.nullable() });

const group = z
  .object({
    requests: count,
    failures: counts.describe('By failure class.'),
    failure_share: count.nullable(),
    usd: count.describe('What callers were charged.'),
    usd_a_request: count.nullable(),
    usd_a_request_95: z.object({ low: count, high: count }).nullable().describe('Its 95 % interval.'),
    provider_usd: count.describe('What providers ask for it.'),
    estimated_usd: count.describe('What the chosen models were expected to cost.'),
    routers_estimated_usd: count.describe('What the choices of the router were, or would have been, expected to cost.'),
    input_tokens: count,
    output_tokens: count,
    duration_ms: times,
    first_token_ms: times.describe('Of streams.'),
    finish_reasons: counts,
    models: counts,
  })
  .meta({ id: 'RoutingGroupReport' });

const difference = z
  .object({ mean: count, low95: count, high95: count })
  .nullable()
  .describe('Router less control, with its 95 % interval; null while a group has fewer than two requests.');

export const routerReportSchema = z
  .object({
    from: timeOut,
    to: timeOut,
    control_share: count.describe('Share of sessions that goes to the control group now.'),
    groups: z.object({ router: group, control: group }),
    control_spend_ratio: z
      .object({ mean: count, low95: count, high95: count })
      .nullable()
      .describe(
        'What control spends a request, divided by what the router spends, with its 95 % interval; 1 is the aim.',
      ),
    difference: z.object({ usd_a_request: difference, duration_ms: difference, failure_share: difference }),
  })
  .meta({ id: 'RouterReport' });
export type RouterReportView = z.output<typeof routerReportSchema>;

export const replaySchema = z
  .object({
    request_id: z.string(),
    decisions: z
      .array(
        z.object({
          stage: z
            .string()
            .describe(
              '`route`; `freeze` where the wallet could not pay for the first choice; `provider` where the prompt was too long for one.',
            ),
          group: z.enum(['router', 'control']),
          stored_model: z.string(),
          replayed_model: z.string().nullable(),
          same: z.boolean().describe('The same model, and the same score for every candidate.'),
          candidates: z.array(
            z.object({ model_key: z.string(), stored_score: count.nullable(), replayed_score: count }),
          ),
        }),
      )
      .describe('Empty when the request named its model: there was nothing to decide.'),
  })
  .meta({ id: 'RoutingReplay' });
export type ReplayView = z.output<typeof replaySchema>;

/** Whole hours of a query. */
export function hoursOf({ from, to }: RouterReportQuery, nowMs: number): { from: Date; to: Date } {
  const end = to ?? new Date(nowMs + 1);
  return { from: from ?? new Date(end.getTime() - 7 * DAY_MS), to: end };
}
