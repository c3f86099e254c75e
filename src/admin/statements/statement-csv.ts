import { csvLine } from '../http/csv.js';
import { negated, type StatementView, type WalletStatementView } from './statement.schema.js';

const COLUMNS = [
  'account_id',
  'month',
  'tier',
  'section',
  'item',
  'name',
  'at',
  'requests',
  'input_tokens',
  'output_tokens',
  'cached_input_tokens',
  'cached_output_tokens',
  'credits',
] as const;

type Cells = Partial<Record<(typeof COLUMNS)[number], unknown>>;
type Charges = WalletStatementView['charges'];

/**
 * A statement as one table. Credits have the sign of what they do to the balance, so `opening`, `top_up`, `adjustment`,
 * `charge_by_model` and `correction_by_model` add up to `closing`; the lists by key are the same credits once more.
 */
export function statementCsv(statement: StatementView): string {
  const { account, month, wallets } = statement;
  const rows = wallets.flatMap((wallet) =>
    walletRows(wallet).map((cells) => ({ account_id: account.id, month, tier: wallet.tier, ...cells })),
  );
  return [COLUMNS, ...rows.map((row: Cells) => COLUMNS.map((name) => row[name]))].map(csvLine).join('');
}

function walletRows(wallet: WalletStatementView): Cells[] {
  return [
    { section: 'opening', credits: wallet.opening.balance },
    ...creditRows('top_up', wallet.top_ups),
    ...creditRows('adjustment', wallet.adjustments),
    ...chargeRows('charge', wallet.charges),
    ...chargeRows('correction', wallet.corrections),
    { section: 'closing', credits: wallet.closing.balance },
    { section: 'closing_available', credits: wallet.closing.available },
    { section: 'closing_frozen', credits: wallet.closing.frozen },
  ];
}

function creditRows(section: string, { entries, unlisted }: WalletStatementView['top_ups']): Cells[] {
  const rows: Cells[] = entries.map((entry) => {
    return { section, item: entry.entry_id, name: entry.note, at: entry.at, credits: entry.amount };
  });
  if (unlisted.count > 0) rows.push({ section, name: moreOf(unlisted.count), credits: unlisted.amount });
  return rows;
}

function chargeRows(section: 'charge' | 'correction', { by_model: models, by_key: keys }: Charges): Cells[] {
  return [
    ...models.map((line) => {
      const name = line.model === null ? moreOf(line.members) : '';
      return { section: `${section}_by_model`, item: line.model, name, ...sumCells(line) };
    }),
    ...keys.map((line) => {
      const name = line.api_key_id === null ? moreOf(line.members) : line.name;
      return { section: `${section}_by_key`, item: line.api_key_id, name, ...sumCells(line) };
    }),
  ];
}

function sumCells(line: Charges['total']): Cells {
  return {
    requests: line.requests,
    input_tokens: line.input_tokens,
    output_tokens: line.output_tokens,
    cached_input_tokens: line.cached_input_tokens,
    cached_output_tokens: line.cached_output_tokens,
    credits: negated(line.credits),
  };
}

function moreOf(count: number): string {
  return `${count.toString()} more`;
}
