import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import type { UsageRecord } from '../../billing/index.js';
import { csvLine } from '../http/csv.js';
import { usageSchema, usageView } from './usage.schema.js';

export type ExportFormat = 'csv' | 'ndjson';

const TYPES: Readonly<Record<ExportFormat, string>> = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
};

const COLUMNS = Object.keys(usageSchema.shape) as (keyof ReturnType<typeof usageView>)[];

/** Usage records as a file that is written while it is read: pages of records are all that is in memory. */
export function usageFile(pages: AsyncIterable<readonly UsageRecord[]>, format: ExportFormat): StreamableFile {
  const text = format === 'csv' ? csvOf(pages) : ndjsonOf(pages);
  return new StreamableFile(Readable.from(text, { objectMode: false }), {
    type: TYPES[format],
    disposition: `attachment; filename="usage.${format}"`,
  });
}

async function* csvOf(pages: AsyncIterable<readonly UsageRecord[]>): AsyncGenerator<string> {
  yield csvLine(COLUMNS);
  for await (const page of pages) {
    yield page
      .map(usageView)
      .map((view) => csvLine(COLUMNS.map((name) => view[name])))
      .join('');
  }
}

async function* ndjsonOf(pages: AsyncIterable<readonly UsageRecord[]>): AsyncGenerator<string> {
  for await (const page of pages) yield page.map((record) => `${JSON.stringify(usageView(record))}\n`).join('');
}
