import { usdMicros, type UsdMicros } from '../../platform/money/index.js';
import type { Difference } from './difference.js';

/** What one model cost at a provider on one UTC day. */
export interface DayUse {
  /** `YYYY-MM-DD`, UTC. */
  day: string;
  /** The provider's own name of the model. */
  model: string;
  requests: number;
  costMicros: UsdMicros;
}

/** A day and model as a provider's statement has it, and as our usage records have it. */
export interface ComparedDay {
  day: string;
  model: string;
  theirs: DayUse | null;
  ours: DayUse | null;
}

/** A statement that cannot be read; the message names line and column. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
}

const COLUMNS = ['date', 'model', 'requests', 'cost_usd'] as const;
type Column = (typeof COLUMNS)[number];

const LINES_MAX = 20_000;
const DAYS_MAX = 366;
const MODEL_LENGTH_MAX = 200;
const DAY_MS = 86_400_000;
const DATE = /^(\d{4}-\d{2}-\d{2})(T00:00:00(\.0+)?Z)?$/;
const REQUESTS = /^\d{1,12}$/;
const COST = /^(\d{1,9})(?:\.(\d{1,12}))?$/;
/** Places of a cost that are kept; what follows is rounded to the nearest. */
const COST_PLACES = 6;

/**
 * Reads a statement: CSV (RFC 4180) with a head line that names at least date, model, requests and cost_usd, in any order.
 * Lines of the same day and model are added up.
 * @throws StatementError
 */
export function parseStatement(csv: string): DayUse[] {
  const [head, ...lines] = parseCsv(csv.replace(/^\uFEFF/, ''));
  const columns = columnsOf(head ?? []);
  if (lines.length === 0) throw new StatementError('the statement has no lines');
  if (lines.length > LINES_MAX) throw new StatementError(`the statement has more than ${LINES_MAX} lines`);
  const byKey = new Map<string, DayUse>();
  for (const [at, cells] of lines.entries()) {
    // An amount with a separator of thousands and no quotes would be read as its first digits.
    if (cells.length > (head?.length ?? 0)) throw new StatementError(`line ${at + 2}: more cells than the head has`);
    const line = readLine(cells, columns, at + 2);
    const key = `${line.day} ${line.model}`;
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? line : sumOf(known, line));
  }
  const days = [...byKey.values()].map(({ day }) => day).sort();
  const [first, last] = [Date.parse(days[0] ?? ''), Date.parse(days.at(-1) ?? '')];
  if (last - first >= DAYS_MAX * DAY_MS) throw new StatementError(`the statement is about more than ${DAYS_MAX} days`);
  return [...byKey.values()];
}

function columnsOf(head: readonly string[]): Record<Column, number> {
  const names = head.map((name) => name.trim().toLowerCase());
  const missing = COLUMNS.filter((column) => !names.includes(column));
  if (missing.length > 0) throw new StatementError(`line 1: the column ${missing.join(', ')} is missing`);
  const twice = COLUMNS.filter((column) => names.indexOf(column) !== names.lastIndexOf(column));
  if (twice.length > 0) throw new StatementError(`line 1: the column ${twice.join(', ')} is there twice`);
  return Object.fromEntries(COLUMNS.map((column) => [column, names.indexOf(column)])) as Record<Column, number>;
}

function readLine(cells: readonly string[], columns: Record<Column, number>, lineNumber: number): DayUse {
  const cell = (column: Column): string => (cells[columns[column]] ?? '').trim();
  const fail = (column: Column, wanted: string): never => {
    throw new StatementError(`line ${lineNumber}: ${column} must be ${wanted}`);
  };
  const day = DATE.exec(cell('date'))?.[1] ?? fail('date', 'a UTC day as YYYY-MM-DD');
  if (!isDay(day)) fail('date', 'a day of the calendar');
  const model = cell('model');
  if (model === '' || model.length > MODEL_LENGTH_MAX) fail('model', `1 to ${MODEL_LENGTH_MAX} characters`);
  if (!REQUESTS.test(cell('requests'))) fail('requests', 'a whole number');
  const costMicros = parseCost(cell('cost_usd')) ?? fail('cost_usd', 'a decimal number of US dollars');
  return { day, model, requests: Number(cell('requests')), costMicros };
}

function isDay(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

function parseCost(text: string): UsdMicros | null {
  const match = COST.exec(text);
  if (match === null) return null;
  const [, whole = '0', fraction = ''] = match;
  const digits = fraction.padEnd(COST_PLACES + 1, '0');
  const micros = BigInt(whole + digits.slice(0, COST_PLACES));
  return usdMicros(Number(digits[COST_PLACES]) >= 5 ? micros + 1n : micros);
}

function sumOf(one: DayUse, other: DayUse): DayUse {
  const costMicros = usdMicros(one.costMicros + other.costMicros);
  return { day: one.day, model: one.model, requests: one.requests + other.requests, costMicros };
}

/** Cells of a CSV text; empty lines are left out. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let lastIndex = 0;
  const cellPattern = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r?\n|$)/gy;
  while (lastIndex < text.length) {
    cellPattern.lastIndex = lastIndex;
    const match = cellPattern.exec(text);
    if (match === null) throw new StatementError(`line ${rows.length + 1}: a quote is in the wrong place`);
    const [whole, cell = '', end] = match;
    row.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    lastIndex += whole.length;
    // A comma at the very end of the text is followed by one more, empty cell.
    if (end === ',' && lastIndex === text.length) row.push('');
    if (end !== ',' || lastIndex === text.length) {
      if (row.some((value) => value !== '')) rows.push(row);
      row = [];
    }
  }
  return rows;
}

/** How far two costs of a day may be apart: providers round theirs, we round each request up. */
export interface CostTolerance {
  percent: number;
}

export const DEFAULT_TOLERANCE: CostTolerance = { percent: 1 };
const TOLERANCE_MIN_MICROS = 10_000n;
const BASIS_POINTS = 10_000n;

/** Puts a statement beside our own figures of the same days. */
export function compareDays(theirs: readonly DayUse[], ours: readonly DayUse[]): ComparedDay[] {
  const days = new Map<string, ComparedDay>();
  for (const use of theirs) days.set(`${use.day} ${use.model}`, { ...placeOf(use), theirs: use, ours: null });
  for (const use of ours) {
    const key = `${use.day} ${use.model}`;
    days.set(key, { ...(days.get(key) ?? { ...placeOf(use), theirs: null }), ours: use });
  }
  return [...days.entries()].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, compared]) => compared);
}

function placeOf({ day, model }: DayUse): { day: string; model: string } {
  return { day, model };
}

/** What a day says otherwise than we do: another number of requests, another cost, or both. */
export function differencesOfDay(provider: string, compared: ComparedDay, tolerance: CostTolerance): Difference[] {
  const { day, model, theirs, ours } = compared;
  const subject = `provider ${provider}, day ${day}, model ${model}`;
  const place = { accountId: null, tier: null, requestId: null, subject };
  const [theirCost, ourCost] = [theirs?.costMicros ?? 0n, ours?.costMicros ?? 0n];
  const differences: Difference[] = [];
  if ((theirs?.requests ?? 0) !== (ours?.requests ?? 0)) {
    const [expected, found] = [String(theirs?.requests ?? 0), String(ours?.requests ?? 0)];
    differences.push({ ...place, kind: 'statement_requests', expected, found });
  }
  const apart = theirCost > ourCost ? theirCost - ourCost : ourCost - theirCost;
  const share = (theirCost * BigInt(Math.round(tolerance.percent * 100))) / BASIS_POINTS;
  if (apart > (share > TOLERANCE_MIN_MICROS ? share : TOLERANCE_MIN_MICROS)) {
    differences.push({ ...place, kind: 'statement_cost', expected: String(theirCost), found: String(ourCost) });
  }
  return differences;
}
