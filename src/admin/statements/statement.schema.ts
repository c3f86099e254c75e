import { z } from 'zod';
import {
  balanceOf,
  creditsOf,
  type Balance,
  type ChargeLine,
  type ChargeSection,
  type ChargeSums,
  type CreditSection,
  type Statement,
  type StatementMonth,
  type WalletStatement,
} from '../../analytics/index.js';
import type { Account } from '../../auth/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import { decimalOut, tier, timeOut, timeZone, uuid } from '../http/fields.js';
import { pageQueryOf } from '../http/pagination.js';
import { STATEMENT_MONTH } from '../http/path-params.js';

const zone = timeZone.describe('In which months begin; an IANA name.');

export const STATEMENT_FORMATS = ['json', 'csv', 'html'] as const;
export type StatementFormat = (typeof STATEMENT_FORMATS)[number];

export const statementQuerySchema = z.strictObject({
  time_zone: zone,
  format: z.enum(STATEMENT_FORMATS).optional().describe('Goes before `Accept`; JSON when neither says.'),
});
export type StatementQuery = z.output<typeof statementQuerySchema>;

export const statementListQuerySchema = z.strictObject({ ...pageQueryOf(STATEMENT_MONTH), time_zone: zone });
export type StatementListQuery = z.output<typeof statementListQuerySchema>;

const monthShape = {
  month: z.string().regex(STATEMENT_MONTH),
  from: timeOut,
  to: timeOut.describe('Not in it any more.'),
  provisional: z.boolean().describe('More movements may come; true for the current month and five minutes longer.'),
  up_to: timeOut.describe('Movements are in up to this time.'),
};

export const statementMonthSchema = z.object(monthShape).meta({ id: 'StatementMonth' });
export type StatementMonthView = z.output<typeof statementMonthSchema>;

const balanceSchema = z
  .object({
    balance: decimalOut.describe('`available` + `frozen`: credits of running requests are still the account’s.'),
    available: decimalOut,
    frozen: decimalOut,
  })
  .meta({ id: 'StatementBalance' });

const count = z.int().min(0);
const creditSectionSchema = z
  .object({
    count,
    amount: decimalOut,
    entries: z
      .array(z.object({ entry_id: z.string(), at: timeOut, note: z.string(), amount: decimalOut }))
      .describe('The first 500.'),
    unlisted: z.object({ count, amount: decimalOut }).describe('What there is beyond `entries`.'),
  })
  .meta({ id: 'StatementCredits' });

const sumsShape = {
  requests: count,
  input_tokens: z.int().describe('Buckets are disjoint. In corrections: what there is more or, with a minus, less of.'),
  output_tokens: z.int(),
  cached_input_tokens: z.int(),
  cached_output_tokens: z.int(),
  charged: decimalOut,
  reversed: decimalOut.describe('Given back by corrections.'),
  credits: decimalOut.describe('`charged` − `reversed`: what the wallet has less.'),
};
const others = count.describe('How many the line stands for; 1 unless they are too many to be named.');

const chargeSectionSchema = z
  .object({
    total: z.object(sumsShape),
    by_model: z.array(z.object({ model: z.string().nullable(), members: others, ...sumsShape })),
    by_key: z.array(
      z.object({ api_key_id: uuid.nullable(), name: z.string().nullable(), members: others, ...sumsShape }),
    ),
  })
  .meta({ id: 'StatementCharges' });

const walletSchema = z
  .object({
    tier,
    opening: balanceSchema,
    top_ups: creditSectionSchema,
    adjustments: creditSectionSchema,
    charges: chargeSectionSchema.describe('Requests that were settled in the month, also of earlier ones.'),
    corrections: chargeSectionSchema.describe('Corrections that were made in the month, also of earlier requests.'),
    closing: balanceSchema,
  })
  .meta({ id: 'WalletStatement' });
export type WalletStatementView = z.output<typeof walletSchema>;

export const statementSchema = z
  .object({
    account: z.object({ id: uuid, name: z.string(), kind: z.enum(['personal', 'organization']) }),
    ...monthShape,
    time_zone: z.string(),
    wallets: z
      .array(walletSchema)
      .describe('opening + top-ups + adjustments − credits of charges and corrections = closing, in each.'),
  })
  .meta({ id: 'Statement' });
export type StatementView = z.output<typeof statementSchema>;

export function statementMonthView({ month, from, to, upTo, isProvisional }: StatementMonth): StatementMonthView {
  return {
    month,
    from: from.toISOString(),
    to: to.toISOString(),
    provisional: isProvisional,
    up_to: upTo.toISOString(),
  };
}

export function statementView({ id, name, kind }: Account, statement: Statement): StatementView {
  return {
    account: { id, name, kind },
    ...statementMonthView(statement),
    time_zone: statement.timeZone,
    wallets: statement.wallets.map(walletView),
  };
}

function walletView(wallet: WalletStatement): WalletStatementView {
  return {
    tier: wallet.tier,
    opening: balanceView(wallet.opening),
    top_ups: creditsView(wallet.topUps),
    adjustments: creditsView(wallet.adjustments),
    charges: chargesView(wallet.charges),
    corrections: chargesView(wallet.corrections),
    closing: balanceView(wallet.closing),
  };
}

function balanceView(balance: Balance): WalletStatementView['opening'] {
  return {
    balance: formatDecimal(balanceOf(balance)),
    available: formatDecimal(balance.availableMicros),
    frozen: formatDecimal(balance.frozenMicros),
  };
}

function creditsView(section: CreditSection): WalletStatementView['top_ups'] {
  const listedMicros = section.lines.reduce((sum, { amountMicros }) => sum + amountMicros, 0n);
  return {
    count: section.count,
    amount: formatDecimal(section.amountMicros),
    entries: section.lines.map(({ entryId, at, note, amountMicros }) => {
      return { entry_id: entryId, at: at.toISOString(), note, amount: formatDecimal(amountMicros) };
    }),
    unlisted: {
      count: section.count - section.lines.length,
      amount: formatDecimal(section.amountMicros - listedMicros),
    },
  };
}

function chargesView({ total, byModel, byKey }: ChargeSection): WalletStatementView['charges'] {
  return {
    total: sumsView(total),
    by_model: byModel.map((line) => ({ model: line.id, members: line.members, ...sumsView(line) })),
    by_key: byKey.map((line) => ({
      api_key_id: keyOf(line),
      name: line.name,
      members: line.members,
      ...sumsView(line),
    })),
  };
}

function keyOf({ id }: ChargeLine): string | null {
  return id === '' ? null : id;
}

function sumsView(sums: ChargeSums): WalletStatementView['charges']['total'] {
  return {
    requests: sums.requests,
    input_tokens: Number(sums.inputTokens),
    output_tokens: Number(sums.outputTokens),
    cached_input_tokens: Number(sums.cachedInputTokens),
    cached_output_tokens: Number(sums.cachedOutputTokens),
    charged: formatDecimal(sums.chargedMicros),
    reversed: formatDecimal(sums.reversedMicros),
    credits: formatDecimal(creditsOf(sums)),
  };
}

/** The same amount with the other sign. */
export function negated(amount: string): string {
  if (/^-?0\.0+$/.test(amount)) return amount;
  return amount.startsWith('-') ? amount.slice(1) : `-${amount}`;
}
