/** The nine stages of a request, in the order in which they run and are explained. */
export const STAGES = [
  'receive',
  'authenticate',
  'read_body',
  'policy',
  'route',
  'freeze',
  'provider',
  'capture',
  'settle',
] as const;
export type Stage = (typeof STAGES)[number];

export type StageStatus = 'passed' | 'refused' | 'failed' | 'pending' | 'not_reached';

/** What one stage did: its verdict, how long it took, and the facts that an operator needs. Plain JSON. */
export interface StageRecord {
  stage: Stage;
  status: StageStatus;
  /** Milliseconds; `null` when the stage was not reached. */
  ms: number | null;
  [fact: string]: unknown;
}

/** What the gateway saw of one request, written in the background when the answer has ended. */
export interface RequestTrace {
  /** Gateway request id. */
  requestId: string;
  /** The caller's label. */
  clientRequestId: string;
  /** Billing account; `null` before authentication. */
  accountId: string | null;
  /** `null` before authentication. */
  apiKeyId: string | null;
  /** HTTP status that the caller saw. */
  status: number;
  /** Last stage that was reached. */
  stage: Stage;
  /** The model that was selected, else the one that was asked for; `null` when none is known. */
  model: string | null;
  /** Stages that were reached, in order; the others are filled in when it is explained. */
  stages: readonly StageRecord[];
  createdAtMs: number;
}
