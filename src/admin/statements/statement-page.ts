import { html, Markup } from './markup.js';
import { negated, type StatementView, type WalletStatementView } from './statement.schema.js';
import { STATEMENT_PAGE_POLICY, STATEMENT_STYLE } from './statement-style.js';

type Charges = WalletStatementView['charges'];
type Sums = Charges['total'];

/** Without a blank around it: the policy of the page names its hash. */
const STYLE = new Markup(`<style>${STATEMENT_STYLE}</style>`);
const NOTHING = new Markup('');

/** A statement as one page that loads nothing, for screens and for A4. */
export function statementPage(statement: StatementView): string {
  const { account, wallets } = statement;
  const title = `Statement ${statement.month}, ${account.name}`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${STATEMENT_PAGE_POLICY}" />
        <meta name="referrer" content="no-referrer" />
        <title>${title}</title>
        ${STYLE}
      </head>
      <body>
        <main>
          ${heading(statement)} ${provisional(statement)} ${summary(wallets)}
          ${wallets.filter(hasMoved).map((wallet) => details(wallet, statement.time_zone))} ${footer(statement)}
        </main>
      </body>
    </html> `.text;
}

function heading({ account, month, from, to, time_zone: zone }: StatementView): Markup {
  return html`<header>
    <div>
      <h1>Statement for ${monthName(month)}</h1>
      <p>${account.name}</p>
    </div>
    <dl>
      <dt>Account</dt>
      <dd>${account.id}</dd>
      <dt>Kind</dt>
      <dd>${account.kind}</dd>
      <dt>From</dt>
      <dd>${localTime(from, zone)}</dd>
      <dt>To</dt>
      <dd>${localTime(to, zone)} <span class="soft">(not included)</span></dd>
      <dt>Time zone</dt>
      <dd>${zone}</dd>
    </dl>
  </header>`;
}

function provisional({ provisional: isProvisional, up_to: upTo, time_zone: zone }: StatementView): Markup {
  if (!isProvisional) return NOTHING;
  return html`<p class="provisional" role="note">
    <strong>Provisional.</strong> Movements up to ${localTime(upTo, zone)} are in; more may come.
  </p>`;
}

/** All wallets side by side: from the opening balance to the closing one. */
function summary(wallets: readonly WalletStatementView[]): Markup {
  const row = (name: string, of: (wallet: WalletStatementView) => string, kind = ''): Markup =>
    html`<tr class="${kind}">
      <th scope="row">${name}</th>
      ${wallets.map((wallet) => number(credits(of(wallet))))}
    </tr>`;
  return html`<div class="scroll">
    <table>
      <caption>
        Wallets
        <small>in credits of the tier</small>
      </caption>
      <thead>
        <tr>
          <td></td>
          ${wallets.map(({ tier }) => html`<th scope="col" class="number">${capitalized(tier)}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${row('Opening balance', ({ opening }) => opening.balance, 'sum')}
        ${row('Top-ups', ({ top_ups: topUps }) => topUps.amount)}
        ${row('Adjustments', ({ adjustments }) => adjustments.amount)}
        ${row('Charges', ({ charges }) => negated(charges.total.credits))}
        ${row('Corrections of charges', ({ corrections }) => negated(corrections.total.credits))}
        ${row('Closing balance', ({ closing }) => closing.balance, 'sum')}
        ${row('of which available', ({ closing }) => closing.available, 'part')}
        ${row('of which frozen for running requests', ({ closing }) => closing.frozen, 'part')}
      </tbody>
    </table>
  </div>`;
}

function hasMoved({ top_ups: topUps, adjustments, charges, corrections }: WalletStatementView): boolean {
  return topUps.count + adjustments.count + charges.total.requests + corrections.total.requests > 0;
}

function details(wallet: WalletStatementView, zone: string): Markup {
  const { tier, opening, closing } = wallet;
  return html`<section aria-labelledby="${tier}">
    <h2 id="${tier}">${tier}</h2>
    <p class="soft">
      Opening balance ${credits(opening.balance)}, closing balance ${credits(closing.balance)} credits.
    </p>
    ${creditTable('Top-ups', 'Reference', wallet.top_ups, zone)}
    ${creditTable('Adjustments', 'Reason', wallet.adjustments, zone)} ${chargeTables('Charges', wallet.charges)}
    ${chargeTables('Corrections of charges', wallet.corrections)}
  </section>`;
}

function creditTable(name: string, what: string, section: WalletStatementView['top_ups'], zone: string): Markup {
  const { count, amount, entries, unlisted } = section;
  if (count === 0) return NOTHING;
  const rows = entries.map(
    (entry) =>
      html`<tr>
        <td>${localTime(entry.at, zone)}</td>
        <td>${entry.note}<span class="id">${entry.entry_id}</span></td>
        ${number(credits(entry.amount))}
      </tr>`,
  );
  const more =
    unlisted.count === 0
      ? NOTHING
      : html`<tr>
          <td></td>
          <td>${grouped(unlisted.count.toString())} more</td>
          ${number(credits(unlisted.amount))}
        </tr>`;
  return html`<div class="scroll">
    <table>
      <caption>
        ${name}
      </caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">${what}</th>
          <th scope="col" class="number">Credits</th>
        </tr>
      </thead>
      <tbody>
        ${rows}${more}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" colspan="2">Sum</th>
          ${number(credits(amount))}
        </tr>
      </tfoot>
    </table>
  </div>`;
}

function chargeTables(name: string, charges: Charges): Markup {
  if (charges.total.requests === 0) return NOTHING;
  const models = charges.by_model.map((line) => chargeRow(line.model ?? moreOf(line.members), '', line));
  const keys = charges.by_key.map((line) =>
    line.api_key_id === null
      ? chargeRow(moreOf(line.members), '', line)
      : chargeRow(line.name ?? '', line.api_key_id, line),
  );
  return html`${chargeTable(`${name} by model`, 'Model', models, charges.total)}${chargeTable(`${name} by key`, 'API key', keys, charges.total)}`;
}

function chargeTable(name: string, what: string, rows: readonly Markup[], total: Sums): Markup {
  const heads = ['Requests', 'Input', 'Output', 'Cache read', 'Cache write', 'Credits'];
  return html`<div class="scroll">
    <table>
      <caption>
        ${name}
        <small>tokens by bucket</small>
      </caption>
      <thead>
        <tr>
          <th scope="col">${what}</th>
          ${heads.map((head) => html`<th scope="col" class="number">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
      <tfoot>
        ${chargeRow('Sum', '', total)}
      </tfoot>
    </table>
  </div>`;
}

function chargeRow(name: string, id: string, sums: Sums): Markup {
  const tokens = [sums.input_tokens, sums.output_tokens, sums.cached_input_tokens, sums.cached_output_tokens];
  const cells = [sums.requests, ...tokens].map((value) => number(grouped(value.toString())));
  const below = id === '' ? NOTHING : html`<span class="id">${id}</span>`;
  return html`<tr>
    <th scope="row">${name}${below}</th>
    ${cells}${number(credits(negated(sums.credits)))}
  </tr>`;
}

function footer({ time_zone: zone, up_to: upTo }: StatementView): Markup {
  return html`<footer>
    <p>
      The balance of a wallet is what is available and what is frozen for running requests together: frozen credits are
      still the account’s until a request is settled. A request is charged in the month in which it was settled, at the
      time of its ledger row, whenever it was received. Corrections are in the month in which they were made; what they
      say of tokens is the difference.
    </p>
    <p>
      Opening balance + top-ups + adjustments + charges + corrections = closing balance, all of them sums of ledger rows
      up to ${localTime(upTo, zone)}. Credits of different tiers are worth differently and are never added up. Buckets
      of tokens are disjoint.
    </p>
  </footer>`;
}

function number(text: string): Markup {
  return html`<td class="number">${text}</td>`;
}

/** Thousands are set apart by a narrow space, which is no decimal sign anywhere; a minus is one. */
function credits(amount: string): string {
  const [whole = '', fraction = ''] = amount.split('.');
  return `${grouped(whole)}.${fraction}`;
}

function grouped(integer: string): string {
  return integer.replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f').replace('-', '\u2212');
}

function moreOf(count: number): string {
  return `${grouped(count.toString())} more`;
}

function capitalized(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function monthName(month: string): string {
  return new Intl.DateTimeFormat('en-GB', { month: 'long', year: 'numeric', timeZone: 'UTC' }).format(
    new Date(`${month}-01T00:00:00Z`),
  );
}

/** `2026-11-22 21:50:03 GMT+1`, in the zone of the statement. */
function localTime(time: string, timeZone: string): string {
  const parts = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  return parts.format(new Date(time));
}
