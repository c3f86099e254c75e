import { statementCsv } from './statement-csv.js';
import { statementPage } from './statement-page.js';
import type { StatementFormat, StatementView } from './statement.schema.js';

const MEDIA_TYPES: Readonly<Record<string, StatementFormat>> = {
  'application/json': 'json',
  'text/csv': 'csv',
  'text/html': 'html',
};

/** A statement as a file. */
export interface StatementFile {
  text: string;
  /** Its media type. */
  type: string;
  name: string;
}

export function statementFile(view: StatementView, format: StatementFormat): StatementFile {
  const name = `statement-${view.account.id}-${view.month}.${format}`;
  if (format === 'csv') return { text: statementCsv(view), type: 'text/csv; charset=utf-8; header=present', name };
  if (format === 'html') return { text: statementPage(view), type: 'text/html; charset=utf-8', name };
  return { text: `${JSON.stringify(view, null, 2)}\n`, type: 'application/json; charset=utf-8', name };
}

/** The format that an `Accept` header likes best; JSON for whoever takes anything, or says nothing that is known. */
export function acceptedFormat(accept: string | undefined): StatementFormat {
  const known = (accept ?? '').split(',').flatMap((part) => {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const format = type === '*/*' || type === 'application/*' ? 'json' : MEDIA_TYPES[type];
    const q = Number(parameters.find((parameter) => parameter.startsWith('q='))?.slice(2) ?? 1);
    return format === undefined || !(q > 0) ? [] : [{ format, q }];
  });
  // The sort is stable: of equals the first wins.
  return known.sort((left, right) => right.q - left.q)[0]?.format ?? 'json';
}
