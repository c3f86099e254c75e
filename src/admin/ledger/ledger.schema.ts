import { z } from 'zod';
import {
  DIFFERENCE_KINDS,
  type DifferenceKind,
  type ReconciliationRun,
  type ReportView,
} from '../../reconciliation/index.js';
import { timeOut, uuid } from '../http/fields.js';
import { pageQuery } from '../http/pagination.js';

const LIMIT_MAX = 1_000;
const LIMIT_DEFAULT = 100;

const limit = z.coerce.number().int().min(0).max(LIMIT_MAX).default(LIMIT_DEFAULT);

export const verifyQuerySchema = z.strictObject({
  account_id: uuid.optional().describe('One account only.'),
  limit: limit.describe('Differences that are named; all are counted.'),
  seals: z
    .stringbool({ truthy: ['true'], falsy: ['false'] })
    .default(true)
    .describe('`false` leaves the seals out.'),
});
export type VerifyQuery = z.output<typeof verifyQuerySchema>;

const count = z.int().min(0);
const kinds = Object.keys(DIFFERENCE_KINDS) as DifferenceKind[];

export const differenceSchema = z
  .object({
    kind: z.enum(kinds),
    means: z.string(),
    account_id: uuid.nullable(),
    tier: z.string().nullable(),
    request_id: z.string().nullable().describe('The gateway request id, which is the freeze’s.'),
    subject: z.string().nullable().describe('What exactly: a column, a sequence number, a day.'),
    expected: z.string().nullable(),
    found: z.string().nullable(),
  })
  .meta({ id: 'LedgerDifference' });

const sealSectionSchema = z
  .object({
    sealed_rows: count,
    unsealed_rows: count.describe('Rows that no seal covers yet.'),
    oldest_unsealed_at: timeOut.nullable(),
    sealed_up_to: z
      .object({ checkpoint: count, sealed_at: timeOut })
      .nullable()
      .describe('Newest checkpoint; null when nothing is sealed, and for one account.'),
    checkpoints: count.nullable().describe('Checkpoints that were checked; null for one account: they are of all.'),
    published_checkpoints: count.describe('Lines of the checkpoint file that were compared.'),
    signatures_checked: z.boolean(),
  })
  .meta({ id: 'LedgerSeals' });

export const verifyReportSchema = z
  .object({
    ok: z.boolean().describe('Nothing differs.'),
    wallets: count,
    rows: count.describe('Of the ledger.'),
    freezes: count,
    open_freezes: count,
    usage_records: count,
    started_at: timeOut,
    duration_ms: count,
    difference_count: count,
    difference_counts: z.record(z.string(), count).describe('By kind.'),
    differences: z.array(differenceSchema).describe('The first ones.'),
    seals: sealSectionSchema.nullable().describe('What was checked of the seals; null when they were left out.'),
  })
  .meta({ id: 'LedgerVerification' });

export const runQuerySchema = z.strictObject(pageQuery);
export type RunQuery = z.output<typeof runQuerySchema>;

export const runSchema = z
  .object({ id: uuid, finished_at: timeOut, report: verifyReportSchema })
  .meta({ id: 'Reconciliation' });

export interface RunView {
  id: string;
  finished_at: string;
  report: ReportView;
}

export function runView({ id, finishedAt, report }: ReconciliationRun): RunView {
  // Reports that were kept before seals were compared have none.
  return { id, finished_at: finishedAt.toISOString(), report: { ...report, seals: report.seals ?? null } };
}
