import { z } from 'zod';
import { formatDecimal } from '../../platform/money/index.js';
import {
  differenceView,
  type ComparedDay,
  type DifferenceView,
  type StatementComparison,
} from '../../reconciliation/index.js';
import { differenceSchema } from '../ledger/ledger.schema.js';
import { decimalOut, plainText } from '../http/fields.js';

const CSV_LENGTH_MAX = 1_000_000;
const PERCENT_MAX = 100;
const DIFFERENCES_SHOWN_MAX = 1_000;

const percent = z.coerce.number().min(0).max(PERCENT_MAX).default(1);
const tolerance = percent.describe('How far costs may be apart, in percent; a cent always.');
const day = z.iso.date();

export const importStatementSchema = z.strictObject({
  csv: plainText(CSV_LENGTH_MAX)
    .min(1)
    .meta({ examples: ['date,model,requests,cost_usd\n2026-01-01,small-1,10,0.50\n'] })
    .describe('With the columns date (YYYY-MM-DD, UTC), model (the provider’s name of it), requests and cost_usd.'),
  tolerance_percent: tolerance,
});
export type ImportStatement = z.output<typeof importStatementSchema>;

export const statementQuerySchema = z.strictObject({
  from: day.optional().describe('First day, UTC; absent: 35 days ago.'),
  to: day.optional().describe('Last day, UTC, included; absent: today.'),
  tolerance_percent: tolerance,
});
export type StatementQuery = z.output<typeof statementQuerySchema>;

const dayUseSchema = z.object({ requests: z.int().min(0), cost_usd: decimalOut }).nullable();

export const statementSchema = z
  .object({
    ok: z.boolean().describe('Nothing differs.'),
    first_day: day,
    last_day: day,
    difference_count: z.int().min(0),
    differences: z.array(differenceSchema).describe('The first ones.'),
    data: z
      .array(z.object({ day, model: z.string(), statement: dayUseSchema, ours: dayUseSchema }))
      .describe('Both sides of each day of which there is a statement; null where one says nothing.'),
  })
  .meta({ id: 'ProviderStatement' });

export interface StatementView {
  ok: boolean;
  first_day: string;
  last_day: string;
  difference_count: number;
  differences: DifferenceView[];
  data: { day: string; model: string; statement: DayUseView | null; ours: DayUseView | null }[];
}

interface DayUseView {
  requests: number;
  cost_usd: string;
}

export function statementView({ days, compared, differences }: StatementComparison): StatementView {
  return {
    ok: differences.length === 0,
    first_day: days.first,
    last_day: days.last,
    difference_count: differences.length,
    differences: differences.slice(0, DIFFERENCES_SHOWN_MAX).map(differenceView),
    data: compared.map(({ day: ofDay, model, theirs, ours }) => ({
      day: ofDay,
      model,
      statement: dayUseView(theirs),
      ours: dayUseView(ours),
    })),
  };
}

function dayUseView(use: ComparedDay['ours']): DayUseView | null {
  return use === null ? null : { requests: use.requests, cost_usd: formatDecimal(use.costMicros) };
}
