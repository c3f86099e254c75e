import type { PoolReport } from './pool-apply.service.js';
import type { FieldChange } from './differences.js';
import type { PoolChange, PoolNote } from './pool-run.js';

const SIGNS = { create: '+', change: '~', disable: '-', cancel: '-' } as const;
const COLOURS = { create: 32, change: 33, disable: 31, cancel: 31 } as const;
const NOTE_COLOUR = 36;
const TEXT_CHARS_MAX = 60;
/** Texts for people make a line long and a difference no clearer. */
const QUIET_FIELDS = new Set(['description', 'description_zh', 'model_key', 'name', 'provider_id', 'upstream_model']);

/** The difference for people. */
export function poolReportText(report: PoolReport, coloured: boolean): string {
  const paint = (text: string, colour: number): string => (coloured ? `\u001b[${colour}m${text}\u001b[0m` : text);
  const lines = report.changes.map((change) => paint(changeLine(change), COLOURS[change.action]));
  const notes = report.notes.map((note) => paint(noteLine(report.file, note), NOTE_COLOUR));
  return [...lines, ...notes, summary(report), ''].join('\n');
}

/** The difference for programs. */
export function poolReportJson({ file, changes, notes, isApplied, missingKeys }: PoolReport): Record<string, unknown> {
  return { file, applied: isApplied, missing_keys: missingKeys, changes, notes };
}

function changeLine({ action, resource, name, fields }: PoolChange): string {
  const verb = action === 'disable' || action === 'cancel' ? ` ${action}` : '';
  const shown = fields.filter(({ field }) => action !== 'create' || !QUIET_FIELDS.has(field));
  const details = shown.map((field) => fieldText(field)).join(', ');
  return `${SIGNS[action]} ${resource} ${name}${verb}${details === '' ? '' : `: ${details}`}`;
}

function fieldText({ field, before, after }: FieldChange): string {
  return before === null ? `${field} ${valueText(after)}` : `${field} ${valueText(before)} → ${valueText(after)}`;
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // Names and texts come from the file and the database: no control characters for the terminal.
  const line = text.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return line.length > TEXT_CHARS_MAX ? `${line.slice(0, TEXT_CHARS_MAX)}…` : line;
}

function noteLine(file: string, { line, message }: PoolNote): string {
  return `! ${file}:${line} ${message}`;
}

function summary({ file, changes, notes, isApplied, missingKeys }: PoolReport): string {
  if (changes.length === 0)
    return `${file}: nothing to change${notes.length === 0 ? '' : `, ${count(notes.length, 'note')}`}`;
  const nothing = `nothing was applied${missingKeys.length === 0 ? '' : `: set one of ${missingKeys.join(', ')}`}`;
  const created = changes.filter(({ action }) => action === 'create').length;
  const changed = changes.filter(({ action }) => action === 'change').length;
  const parts = [`${created} created`, `${changed} changed`, `${changes.length - created - changed} disabled`];
  return `${file}: ${parts.join(', ')}, ${count(notes.length, 'note')}; ${isApplied ? 'applied' : nothing}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
