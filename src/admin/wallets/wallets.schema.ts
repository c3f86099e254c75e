import { z } from 'zod';
import { formatDecimal, type Micros } from '../../platform/money/index.js';
import { LEDGER_KINDS, type CreditResult, type LedgerEntry, type WalletBalance } from '../../wallet/index.js';
import {
  creditsPositive,
  creditsSigned,
  decimalOrNull,
  decimalOut,
  name,
  tier,
  timeOut,
  uuid,
} from '../http/fields.js';
import { pageQueryOf } from '../http/pagination.js';

export const topUpSchema = z.strictObject({
  amount: creditsPositive.describe('Credits, greater than 0.'),
  reference: name.describe('What the money came from, e.g. an invoice; kept in the ledger.'),
});
export type TopUp = z.output<typeof topUpSchema>;

export const adjustmentSchema = z.strictObject({
  amount: creditsSigned.describe('Credits up or, with a minus, down; never below a balance of 0.'),
  reason: name.describe('Kept in the ledger.'),
});
export type Adjustment = z.output<typeof adjustmentSchema>;

export const ledgerQuerySchema = z.strictObject(pageQueryOf(/^\d{1,18}$/));
export type LedgerQuery = z.output<typeof ledgerQuerySchema>;

const walletFields = { tier, available: decimalOut, frozen: decimalOut };

export const balanceSchema = z.object(walletFields).meta({ id: 'WalletBalance' });
export type BalanceView = z.output<typeof balanceSchema>;

export const walletSchema = z
  .object({
    ...walletFields,
    low_balance_threshold: decimalOut
      .nullable()
      .describe('An event is raised when less than this is available; `null`: never.'),
  })
  .meta({ id: 'Wallet' });
export type WalletView = z.output<typeof walletSchema>;

export const patchWalletSchema = z.strictObject({
  low_balance_threshold: creditsPositive
    .nullable()
    .describe(
      'Credits, greater than 0; `null` for none. Below it an event `low_balance` is raised once, until there is enough again.',
    ),
});
export type PatchWallet = z.output<typeof patchWalletSchema>;

export const walletListSchema = z.object({ data: z.array(walletSchema), next_cursor: z.null() });
export type WalletListView = z.output<typeof walletListSchema>;

export const creditSchema = z
  .object({ wallet: balanceSchema, entry_id: z.string().describe('The ledger row.') })
  .meta({ id: 'WalletChange' });
export type CreditView = z.output<typeof creditSchema>;

export const ledgerEntrySchema = z
  .object({
    id: z.string(),
    account_id: uuid,
    tier,
    seq: z.int().describe('Without gaps in its wallet, from 1.'),
    kind: z.enum(LEDGER_KINDS),
    freeze_id: z.string().nullable().describe('The gateway request id.'),
    available_delta: decimalOut,
    frozen_delta: decimalOut,
    available_after: decimalOut,
    frozen_after: decimalOut,
    note: z.string().nullable(),
    created_at: timeOut,
  })
  .meta({ id: 'LedgerEntry' });
export type LedgerEntryView = z.output<typeof ledgerEntrySchema>;

export function walletView(wallet: WalletBalance, thresholdMicros: Micros | null): WalletView {
  return { ...balanceView(wallet), low_balance_threshold: decimalOrNull(thresholdMicros) };
}

function balanceView(wallet: WalletBalance): BalanceView {
  const { tier: ofTier, availableMicros, frozenMicros } = wallet;
  return { tier: ofTier, available: formatDecimal(availableMicros), frozen: formatDecimal(frozenMicros) };
}

export function creditView(result: CreditResult): CreditView {
  return { wallet: balanceView(result.wallet), entry_id: result.entryId };
}

export function ledgerEntryView(entry: LedgerEntry): LedgerEntryView {
  return {
    id: entry.id,
    account_id: entry.accountId,
    tier: entry.tier,
    seq: Number(entry.seq),
    kind: entry.kind,
    freeze_id: entry.freezeId,
    available_delta: formatDecimal(entry.availableDeltaMicros),
    frozen_delta: formatDecimal(entry.frozenDeltaMicros),
    available_after: formatDecimal(entry.availableAfterMicros),
    frozen_after: formatDecimal(entry.frozenAfterMicros),
    note: entry.note,
    created_at: entry.createdAt.toISOString(),
  };
}
