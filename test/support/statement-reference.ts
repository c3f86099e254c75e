import type { DataSource } from 'typeorm';
import { balanceOf, creditsOf, type ChargeLine, type Statement } from '../../src/analytics/index.js';

interface LedgerRow {
  tier: string;
  kind: string;
  freeze_id: string | null;
  delta: string;
  frozen_delta: string;
  idempotency_key: string;
  created_at: Date;
}

interface UsageRow {
  request_id: string;
  model_key: string;
  api_key_id: string;
  output_tokens: number;
}

interface CorrectionRow {
  request_id: string;
  number: number;
  before: { output_tokens: number };
  after: { output_tokens: number };
}

type Line = [id: string, requests: number, outputTokens: bigint, credits: bigint];

/** What a statement says of one wallet, in the form in which the reference says it. */
export interface WalletFigures {
  opening: bigint;
  closing: bigint;
  openingFrozen: bigint;
  closingFrozen: bigint;
  topUps: bigint;
  adjustments: bigint;
  chargesByModel: Line[];
  chargesByKey: Line[];
  correctionsByModel: Line[];
  correctionsByKey: Line[];
}

/** The figures of a statement by adding up ledger rows one at a time, and nothing else. */
export async function figuresOfRows(
  sql: DataSource,
  accountId: string,
  { from, to }: { from: Date; to: Date },
): Promise<Record<string, WalletFigures>> {
  const rows = await sql.query<LedgerRow[]>(
    `select tier, kind, freeze_id, available_delta + frozen_delta as delta, frozen_delta, idempotency_key, created_at
      from ledger_entry where account_id = $1 order by tier, seq`,
    [accountId],
  );
  const usage = await sql.query<UsageRow[]>('select * from usage_record where account_id = $1', [accountId]);
  const corrections = await sql.query<CorrectionRow[]>('select * from usage_correction where account_id = $1', [
    accountId,
  ]);
  const tokens = (row: LedgerRow): bigint => BigInt(outputTokensOf(row, usage, corrections));
  const wallet = (tier: string): WalletFigures => {
    const own = rows.filter((row) => row.tier === tier);
    const until = (end: Date): LedgerRow[] => own.filter((row) => row.created_at < end);
    const inside = until(to).filter((row) => row.created_at >= from);
    const sum = (some: readonly LedgerRow[], field: 'delta' | 'frozen_delta' = 'delta'): bigint =>
      some.reduce((total, row) => total + BigInt(row[field]), 0n);
    const lines = (kinds: readonly string[], by: 'model_key' | 'api_key_id'): Line[] => {
      const found = new Map<string, Line>();
      for (const row of inside.filter(({ kind }) => kinds.includes(kind))) {
        const id = usage.find((one) => one.request_id === row.freeze_id)?.[by] ?? 'no record';
        const line = found.get(id) ?? [id, 0, 0n, 0n];
        const counts = row.kind === 'reversal' ? 0 : 1;
        found.set(id, [id, line[1] + counts, line[2] + tokens(row), line[3] - BigInt(row.delta)]);
      }
      return inOrder([...found.values()]);
    };
    return {
      opening: sum(until(from)),
      closing: sum(until(to)),
      openingFrozen: sum(until(from), 'frozen_delta'),
      closingFrozen: sum(until(to), 'frozen_delta'),
      topUps: sum(inside.filter(({ kind }) => kind === 'top_up')),
      adjustments: sum(inside.filter(({ kind }) => kind === 'adjust')),
      chargesByModel: lines(['settle'], 'model_key'),
      chargesByKey: lines(['settle'], 'api_key_id'),
      correctionsByModel: lines(['reversal', 'correction'], 'model_key'),
      correctionsByKey: lines(['reversal', 'correction'], 'api_key_id'),
    };
  };
  return Object.fromEntries(['economy', 'standard', 'premium'].map((tier) => [tier, wallet(tier)]));
}

/** What a row was priced with, or takes back. */
function outputTokensOf(row: LedgerRow, usage: readonly UsageRow[], corrections: readonly CorrectionRow[]): number {
  const number = row.kind === 'settle' ? 1 : Number(row.idempotency_key.split(':')[2]);
  const correction = corrections.find((one) => one.request_id === row.freeze_id && one.number === number);
  if (correction === undefined) return usage.find((one) => one.request_id === row.freeze_id)?.output_tokens ?? NaN;
  if (row.kind === 'correction') return correction.after.output_tokens;
  return row.kind === 'reversal' ? -correction.before.output_tokens : correction.before.output_tokens;
}

/** The same figures as the statement has them. */
export function figuresOfStatement({ wallets }: Statement): Record<string, WalletFigures> {
  return Object.fromEntries(
    wallets.map((wallet) => [
      wallet.tier,
      {
        opening: balanceOf(wallet.opening),
        closing: balanceOf(wallet.closing),
        openingFrozen: wallet.opening.frozenMicros,
        closingFrozen: wallet.closing.frozenMicros,
        topUps: wallet.topUps.amountMicros,
        adjustments: wallet.adjustments.amountMicros,
        chargesByModel: linesOf(wallet.charges.byModel),
        chargesByKey: linesOf(wallet.charges.byKey),
        correctionsByModel: linesOf(wallet.corrections.byModel),
        correctionsByKey: linesOf(wallet.corrections.byKey),
      },
    ]),
  );
}

function linesOf(lines: readonly ChargeLine[]): Line[] {
  return inOrder(lines.map((line) => [line.id ?? '', line.requests, line.outputTokens, creditsOf(line)]));
}

function inOrder(lines: Line[]): Line[] {
  return lines.sort(([left], [right]) => (left < right ? -1 : 1));
}
