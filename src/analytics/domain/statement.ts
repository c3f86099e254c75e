import { micros, type Micros } from '../../platform/money/index.js';
import { TIERS, type LedgerKind, type Tier } from '../../wallet/index.js';

/** A calendar month of a time zone, as a span of time. */
export interface StatementMonth {
  /** `YYYY-MM`. */
  month: string;
  /** Inclusive. */
  from: Date;
  /** Exclusive. */
  to: Date;
  /** Up to when movements are in: `to`, or the time of the reading while the month is not over. */
  upTo: Date;
  /** More movements may come. */
  isProvisional: boolean;
}

/** A wallet at one moment; its balance is the sum. */
export interface Balance {
  availableMicros: Micros;
  frozenMicros: Micros;
}

/** A movement that an operator made. */
export interface CreditLine {
  /** `<tier>:<seq>`, as in the ledger. */
  entryId: string;
  at: Date;
  /** Reference of a top-up, reason of an adjustment. */
  note: string;
  amountMicros: Micros;
}

export interface CreditSection {
  count: number;
  amountMicros: Micros;
  /** The first ones; all of them unless there are more than fit a statement. */
  lines: readonly CreditLine[];
}

/** What settled or corrected requests moved. Tokens are disjoint buckets; in corrections they are differences. */
export interface ChargeSums {
  requests: number;
  inputTokens: bigint;
  outputTokens: bigint;
  cachedInputTokens: bigint;
  cachedOutputTokens: bigint;
  chargedMicros: Micros;
  /** Given back by corrections; 0 in charges. */
  reversedMicros: Micros;
}

export interface ChargeLine extends ChargeSums {
  /** `model_key`, or id of an API key; `null` for all that are too many to be named. */
  id: string | null;
  /** Name of the API key. */
  name: string | null;
  /** How many models or keys the line stands for. */
  members: number;
}

export interface ChargeSection {
  total: ChargeSums;
  byModel: readonly ChargeLine[];
  byKey: readonly ChargeLine[];
}

/** One wallet over a month: opening + top-ups + adjustments − charges + given back − charged anew = closing. */
export interface WalletStatement {
  tier: Tier;
  opening: Balance;
  closing: Balance;
  topUps: CreditSection;
  adjustments: CreditSection;
  charges: ChargeSection;
  corrections: ChargeSection;
}

export interface Statement extends StatementMonth {
  accountId: string;
  timeZone: string;
  wallets: readonly WalletStatement[];
}

/** Sums of the ledger rows of one kind. */
export interface KindSum {
  tier: Tier;
  kind: LedgerKind;
  count: number;
  availableMicros: bigint;
  frozenMicros: bigint;
}

export interface TierBalances {
  tier: Tier;
  opening: Balance;
  closing: Balance;
}

/** What a statement is put together from, each part read from rows by itself. */
export interface StatementParts {
  balances: readonly TierBalances[];
  kinds: readonly KindSum[];
  credits: readonly (CreditLine & { tier: Tier; kind: LedgerKind })[];
  charges: readonly (ChargeLine & { tier: Tier; section: 'charge' | 'correction'; by: 'all' | 'model' | 'key' })[];
}

export const NO_CHARGES: ChargeSums = {
  requests: 0,
  inputTokens: 0n,
  outputTokens: 0n,
  cachedInputTokens: 0n,
  cachedOutputTokens: 0n,
  chargedMicros: micros(0n),
  reversedMicros: micros(0n),
};

export function balanceOf({ availableMicros, frozenMicros }: Balance): Micros {
  return micros(availableMicros + frozenMicros);
}

/** One wallet after the other, cheapest tier first. */
export function walletStatements(parts: StatementParts): WalletStatement[] {
  return TIERS.map((tier) => {
    const balances = parts.balances.find((one) => one.tier === tier);
    const nothing: Balance = { availableMicros: micros(0n), frozenMicros: micros(0n) };
    return {
      tier,
      opening: balances?.opening ?? nothing,
      closing: balances?.closing ?? nothing,
      topUps: creditSection(parts, tier, 'top_up'),
      adjustments: creditSection(parts, tier, 'adjust'),
      charges: chargeSection(parts, tier, 'charge'),
      corrections: chargeSection(parts, tier, 'correction'),
    };
  });
}

function creditSection({ kinds, credits }: StatementParts, tier: Tier, kind: LedgerKind): CreditSection {
  const sum = kinds.find((one) => one.tier === tier && one.kind === kind);
  return {
    count: sum?.count ?? 0,
    amountMicros: micros((sum?.availableMicros ?? 0n) + (sum?.frozenMicros ?? 0n)),
    lines: credits
      .filter((line) => line.tier === tier && line.kind === kind)
      .map(({ entryId, at, note, amountMicros }) => ({ entryId, at, note, amountMicros })),
  };
}

function chargeSection({ charges }: StatementParts, tier: Tier, section: 'charge' | 'correction'): ChargeSection {
  const lines = charges.filter((line) => line.tier === tier && line.section === section);
  return {
    total: lines.find(({ by }) => by === 'all') ?? NO_CHARGES,
    byModel: lines.filter(({ by }) => by === 'model'),
    byKey: lines.filter(({ by }) => by === 'key'),
  };
}

/**
 * What a statement says and its ledger does not: balances that do not follow from the movements, sections that do not add up
 * to theirs. Empty when the statement equals the ledger.
 */
export function statementFaults(wallets: readonly WalletStatement[], kinds: readonly KindSum[]): string[] {
  return wallets.flatMap((wallet) => {
    const { tier, opening, closing, topUps, adjustments, charges, corrections } = wallet;
    const rows = kinds.filter((one) => one.tier === tier);
    const moved = (side: 'availableMicros' | 'frozenMicros'): bigint => rows.reduce((sum, row) => sum + row[side], 0n);
    const shown =
      topUps.amountMicros + adjustments.amountMicros - creditsOf(charges.total) - creditsOf(corrections.total);
    const sums = (section: ChargeSection): bigint[] => [section.byModel, section.byKey].map(totalOf);
    const checks: [string, bigint, bigint][] = [
      ['available', opening.availableMicros + moved('availableMicros'), closing.availableMicros],
      ['frozen', opening.frozenMicros + moved('frozenMicros'), closing.frozenMicros],
      ['balance', balanceOf(opening) + shown, balanceOf(closing)],
      ...sums(charges).map((sum): [string, bigint, bigint] => ['charges', creditsOf(charges.total), sum]),
      ...sums(corrections).map((sum): [string, bigint, bigint] => ['corrections', creditsOf(corrections.total), sum]),
    ];
    return checks
      .filter(([, expected, found]) => expected !== found)
      .map(([what, expected, found]) => `${tier} ${what}: ${expected.toString()} is not ${found.toString()}`);
  });
}

/** What a line took from the wallet; negative when more was given back. */
export function creditsOf({ chargedMicros, reversedMicros }: ChargeSums): Micros {
  return micros(chargedMicros - reversedMicros);
}

function totalOf(lines: readonly ChargeLine[]): bigint {
  return lines.reduce((sum, line) => sum + creditsOf(line), 0n);
}
