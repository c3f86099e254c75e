/** What operators hear of. The names are part of the API: filters, webhooks and receivers use them. */
export const EVENT_KINDS = [
  'low_balance',
  'key_disabled',
  'breaker_open',
  'drift_found',
  'settlement_failed',
  'shortfall',
  'implausible_usage',
  'maximum_exceeded',
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

const SEVERITY_OF: Readonly<Record<EventKind, Severity>> = {
  low_balance: 'warning',
  key_disabled: 'info',
  breaker_open: 'warning',
  drift_found: 'critical',
  settlement_failed: 'critical',
  shortfall: 'warning',
  implausible_usage: 'warning',
  maximum_exceeded: 'warning',
};

export function severityOf(kind: EventKind): Severity {
  return SEVERITY_OF[kind];
}

/** What an event is about. */
export interface EventSubject {
  /** E.g. `wallet`, `api_key`, `endpoint`. */
  type: string;
  id: string;
}

/** Something that has happened. */
export interface NewEvent {
  kind: EventKind;
  accountId: string | null;
  subject: EventSubject;
  /** Facts for the receiver, as JSON: amounts are decimal texts, names snake_case. Never a secret. */
  data: Readonly<Record<string, unknown>>;
  /** Of several events with the same key only the first one is kept, for as long as it is kept. */
  onceKey?: string;
}

export interface StoredEvent {
  id: string;
  kind: EventKind;
  severity: Severity;
  accountId: string | null;
  subjectType: string;
  subjectId: string;
  data: Readonly<Record<string, unknown>>;
  createdAt: Date;
}

/** Which events; absent and `undefined` fields do not restrict. Times are inclusive below and exclusive above. */
export interface EventFilter {
  kind?: EventKind | undefined;
  accountId?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

/** An open transaction. */
export interface Transaction {
  query<T>(sql: string, parameters?: unknown[]): Promise<T>;
}
