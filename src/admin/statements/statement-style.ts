import { createHash } from 'node:crypto';

/** The look of a statement, on screens and on A4. */
export const STATEMENT_STYLE = `
:root { --ink: #16202b; --soft: #5b6875; --line: #d8dee5; --faint: #f5f7f9; --accent: #0f5c6e; --warn: #8a4b00; }
* { box-sizing: border-box; }
body { margin: 0; background: #eceff2; color: var(--ink); font: 0.9375rem/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
main { max-width: 62rem; margin: 2rem auto; padding: 3rem; background: #fff; border-top: 5px solid var(--accent); box-shadow: 0 1px 4px #16202b26; }
header { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 1rem 3rem; margin-bottom: 2.25rem; }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.015em; }
h2 { margin: 2.75rem 0 0.25rem; font-size: 1.25rem; text-transform: capitalize; color: var(--accent); }
p { margin: 0.25rem 0 0; }
.soft, caption small { color: var(--soft); }
dl { display: grid; grid-template-columns: auto auto; gap: 0.1rem 1.25rem; margin: 0; font-size: 0.875rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.provisional { margin: 0 0 1.75rem; padding: 0.65rem 1rem; border-left: 4px solid var(--warn); background: #fff6e8; color: var(--warn); }
.scroll { overflow-x: auto; }
table { width: 100%; margin: 1.35rem 0 0; border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.875rem; }
caption { padding-bottom: 0.4rem; text-align: left; font-weight: 600; font-size: 0.95rem; }
caption small { margin-left: 0.5rem; font-weight: 400; font-size: 0.8rem; }
th, td { padding: 0.38rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th, thead td { border-bottom: 2px solid var(--ink); color: var(--soft); font-weight: 600; font-size: 0.75rem; vertical-align: bottom; }
tbody th { font-weight: 400; overflow-wrap: anywhere; min-width: 9rem; }
th.number, td.number { text-align: right; white-space: nowrap; }
tfoot th, tfoot td, tr.sum th, tr.sum td { border-bottom: 2px solid var(--ink); background: var(--faint); font-weight: 600; }
tr.part th, tr.part td { color: var(--soft); border-bottom: 0; padding-top: 0.2rem; padding-bottom: 0.1rem; }
tr.part th { padding-left: 1.6rem; }
td .id { display: block; color: var(--soft); font-size: 0.72rem; }
th .id { display: block; color: var(--soft); font-size: 0.72rem; }
footer { margin-top: 2.75rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.8rem; }
footer p + p { margin-top: 0.5rem; }
@media (max-width: 48rem) { main { margin: 0; padding: 1.25rem; } }
@page { size: A4; margin: 16mm 14mm 18mm; }
@media print {
  :root { font-size: 11.5px; }
  body { background: #fff; }
  main { max-width: none; margin: 0; padding: 0; border: 0; box-shadow: none; }
  .scroll { overflow: visible; }
  h1 { font-size: 1.7rem; }
  h2, caption { break-after: avoid; }
  tr, header, .provisional, footer { break-inside: avoid; }
  thead { display: table-header-group; }
  tfoot { display: table-row-group; break-before: avoid; }
  th, td { padding: 0.25rem 0.4rem; }
  tbody th { min-width: 0; }
  .provisional, tfoot th, tfoot td, tr.sum th, tr.sum td { print-color-adjust: exact; }
}
`;

/** Nothing is loaded and nothing runs; only the one style sheet above is let in. Also written into the page, for saved copies. */
export const STATEMENT_PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STATEMENT_STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The header of the page; a page cannot forbid to be framed itself. */
export const STATEMENT_CONTENT_SECURITY_POLICY = `${STATEMENT_PAGE_POLICY}; frame-ancestors 'none'; sandbox`;
