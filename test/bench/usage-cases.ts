/** One request that is timed. */
export interface UsageCase {
  name: string;
  path: string;
  /** Longest median that is right, milliseconds; absent where the figure is only told. */
  limitMs?: number;
}

/** What there is most of, so that filters by it are the slowest ones. */
export interface Busiest {
  keyId: string;
  accountId: string;
  model: string;
  provider: string;
}

const LIMIT_MS = 100;
const DAY_MS = 86_400_000;
const RANGES = { day: 1, month: 30, year: 365 } as const;
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns'];

/** Ranges that end now and so begin at odd times: a whole number of days or hours is the easier case. */
function span(range: keyof typeof RANGES, nowMs: number): string {
  const from = new Date(nowMs - RANGES[range] * DAY_MS).toISOString();
  return `from=${from}&to=${new Date(nowMs).toISOString()}`;
}

function summary(name: string, query: string): UsageCase {
  return { name, path: `/usage/summary?${query}`, limitMs: LIMIT_MS };
}

/** Summaries by everything, of a day, a month and a year, in four zones, with every filter. */
export function summaryCases(busiest: Busiest, nowMs: number): UsageCase[] {
  const ranges = Object.keys(RANGES) as (keyof typeof RANGES)[];
  const filters = {
    key: `api_key_id=${busiest.keyId}`,
    account: `account_id=${busiest.accountId}`,
    model: `model=${encodeURIComponent(busiest.model)}`,
    provider: `provider=${busiest.provider}`,
    tier: 'tier=standard',
    status: 'status=settled',
  };
  const groupings = ['', 'key', 'account', 'model', 'provider', 'tier', 'status', 'tier,status', 'model,provider'];
  return [
    ...ranges.flatMap((range) =>
      groupings.map((by) => summary(`${range} by ${by === '' ? 'nothing' : by}`, `${byOf(by)}${span(range, nowMs)}`)),
    ),
    ...ranges.flatMap((range) =>
      ZONES.map((zone) => summary(`${range} by day, ${zone}`, `group_by=day&time_zone=${zone}&${span(range, nowMs)}`)),
    ),
    ...(['day', 'month'] as const).flatMap((range) =>
      ZONES.map((zone) =>
        summary(`${range} by hour, ${zone}`, `group_by=hour&time_zone=${zone}&${span(range, nowMs)}`),
      ),
    ),
    ...['tier', 'status'].map((by) =>
      summary(`year by day,${by}, Asia/Kolkata`, `group_by=day,${by}&time_zone=Asia/Kolkata&${span('year', nowMs)}`),
    ),
    {
      // 3,300 groups; half of the time goes into writing them out.
      name: 'year by day,provider, Asia/Kolkata (no limit)',
      path: `/usage/summary?group_by=day,provider&time_zone=Asia/Kolkata&${span('year', nowMs)}`,
    },
    ...Object.entries(filters).flatMap(([name, filter]) => [
      summary(`year by model of the busiest ${name}`, `group_by=model&${filter}&${span('year', nowMs)}`),
      ...['UTC', 'Asia/Kolkata'].map((zone) =>
        summary(
          `year by day of the busiest ${name}, ${zone}`,
          `group_by=day&time_zone=${zone}&${filter}&${span('year', nowMs)}`,
        ),
      ),
      summary(`month by hour of the busiest ${name}`, `group_by=hour&${filter}&${span('month', nowMs)}`),
    ]),
  ];
}

function byOf(by: string): string {
  return by === '' ? '' : `group_by=${by}&`;
}

/** Pages of the list of records: the newest, one far back, and with each filter. */
export function listCases(busiest: Busiest, deepCursor: string, nowMs: number): UsageCase[] {
  const queries: [string, string][] = [
    ['newest page', ''],
    ['page far back', `cursor=${deepCursor}`],
    ['of the busiest key', `api_key_id=${busiest.keyId}`],
    ['of the busiest key, far back', `api_key_id=${busiest.keyId}&cursor=${deepCursor}`],
    ['of the busiest account', `account_id=${busiest.accountId}`],
    ['of the busiest account, far back', `account_id=${busiest.accountId}&cursor=${deepCursor}`],
    ['of a model', `model=${encodeURIComponent(busiest.model)}`],
    ['of a status', 'status=expired'],
    ['of a provider', `provider=${busiest.provider}`],
    ['of a month', span('month', nowMs)],
    ['of a key that was never used', 'api_key_id=01980000-0000-7000-8000-000000000001'],
  ];
  // No index finds what is rare by model, provider, tier or status alone: each would be written by every request.
  const rare = { name: 'list of a model that was never used (no limit)', path: '/usage?model=nobody%2Fnothing' };
  return [
    ...queries.map(([name, query]) => ({ name: `list ${name}`, path: `/usage?${query}`, limitMs: LIMIT_MS })),
    rare,
  ];
}
