import { calculationOf, microsIn, usdStepsOf } from './receipt-arithmetic.js';
import { canonicalJson, receiptIdOf, type Receipt, type ReceiptRow } from './receipt.js';

/** Ledger rows that end a freeze, by the status of the request. */
const END_KINDS = { settled: 'settle', released: 'release', failed: 'release', expired: 'expire' } as const;
const END_KIND_SET: ReadonlySet<string> = new Set(Object.values(END_KINDS));

/**
 * Does the arithmetic of a receipt again.
 * @returns one sentence for each thing that does not add up; none for a pending receipt, which claims nothing.
 */
export function receiptFaults(receipt: Receipt): string[] {
  const { status, usage, calculation, usd, settlement } = receipt;
  if (status === 'pending') return [];
  if (usage === null || calculation === null || usd === null || settlement === null) {
    return [`a ${status} receipt lacks usage, calculation or settlement`];
  }
  const faults = receipt.id === receiptIdOf(receipt.request_id) ? [] : ['the id is not that of the request'];
  const expected = calculationOf(usage, receipt.price.credits_per_mtok);
  faults.push(...differences('calculation', calculation, expected));
  const isCharged = settlement.disposition === 'charge';
  const creditsUsed = isCharged ? expected.price : '0.000000';
  if (settlement.credits_used !== creditsUsed) {
    faults.push(`settlement.credits_used is ${settlement.credits_used}, it should be ${creditsUsed}`);
  }
  faults.push(...differences('usd', usd, usdStepsOf(settlement.credits_used, usd.usd_per_credit)));
  const [charged, shortfall] = [microsIn(settlement.credits_charged), microsIn(settlement.shortfall)];
  if (charged + shortfall !== microsIn(settlement.credits_used)) {
    faults.push('credits_charged and shortfall do not add up to credits_used');
  }
  if (status !== 'settled' && charged !== 0n) faults.push(`a request that is ${status} was charged`);
  return [...faults, ...ledgerFaults(receipt, status, settlement)];
}

/** Names each step that is not as it was calculated now. */
function differences(where: string, actual: object, expected: object): string[] {
  return Object.entries(expected).flatMap(([name, value]) => {
    const shown = canonicalJson((actual as Record<string, unknown>)[name]);
    const wanted = canonicalJson(value);
    return shown === wanted ? [] : [`${where}.${name} is ${shown}, it should be ${wanted}`];
  });
}

function ledgerFaults(
  { ledger, freeze, tier }: Receipt,
  status: keyof typeof END_KINDS,
  settlement: NonNullable<Receipt['settlement']>,
): string[] {
  const faults: string[] = [];
  const of = (...kinds: string[]): ReceiptRow[] => ledger.filter(({ kind }) => kinds.includes(kind));
  const frozen = sumOf(of('freeze', 'extend'), 'frozen_delta');
  if (frozen !== microsIn(freeze.amount)) faults.push('the freeze is not the sum of its ledger rows');
  if (of('freeze').length !== 1 || of('extend').length !== freeze.extensions) {
    faults.push('the ledger does not hold one freeze and its extensions');
  }
  const ends = ledger.filter(({ kind }) => END_KIND_SET.has(kind));
  const [end] = ends;
  if (ends.length !== 1 || end?.kind !== END_KINDS[status]) {
    faults.push(`the ledger does not hold exactly one ${END_KINDS[status]} row`);
  } else if (end.available_delta !== settlement.returned) {
    faults.push('settlement.returned is not what the ledger gave back');
  }
  if (of('reversal').length !== settlement.corrections || of('correction').length !== settlement.corrections) {
    faults.push('the ledger does not hold a reversal and a new charge for each correction');
  }
  if (sumOf(ledger, 'frozen_delta') !== 0n) faults.push('the ledger rows leave credits frozen');
  if (-sumOf(ledger, 'available_delta') !== microsIn(settlement.credits_charged)) {
    faults.push('the ledger rows do not take what was charged');
  }
  const seqs = ledger.map(({ id }) => (id.startsWith(`${tier}:`) ? Number(id.slice(tier.length + 1)) : Number.NaN));
  if (!seqs.every((seq, at) => seq > (seqs[at - 1] ?? 0))) faults.push('the ledger rows are not in their order');
  return faults;
}

function sumOf(rows: readonly ReceiptRow[], column: 'available_delta' | 'frozen_delta'): bigint {
  return rows.reduce((sum, row) => sum + microsIn(row[column]), 0n);
}
