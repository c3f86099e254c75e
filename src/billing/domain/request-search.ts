import type { Stage } from './trace.js';
import type { UsageRecord } from './usage.js';

/** HTTP statuses, both ends included. */
export interface StatusRange {
  from: number;
  to: number;
}

/** What to look for; what is absent does not narrow. */
export interface RequestFilter {
  /** Gateway or client request id. */
  requestId?: string | undefined;
  apiKeyId?: string | undefined;
  accountId?: string | undefined;
  status?: StatusRange | undefined;
  /** Where the request ended; `settle` is a served one. */
  stage?: Stage | undefined;
  /** The model that was selected, else the one that was asked for. */
  model?: string | undefined;
  /** Inclusive. */
  from?: Date | undefined;
  /** Exclusive. */
  to?: Date | undefined;
}

/** A refused or failed request, as its trace has it. */
export interface RefusedRequest {
  requestId: string;
  clientRequestId: string;
  accountId: string | null;
  apiKeyId: string | null;
  status: number;
  stage: Stage;
  /** Error code of the stage; `null` when none was kept. */
  error: string | null;
  model: string | null;
  createdAt: Date;
}

/** One line of a search; the explanation of the request tells the rest. */
export interface FoundRequest {
  requestId: string;
  clientRequestId: string;
  createdAt: Date;
  accountId: string | null;
  apiKeyId: string | null;
  /** HTTP status that the caller saw; `null` when it is not known, as while the request runs. */
  status: number | null;
  stage: Stage;
  error: string | null;
  model: string | null;
  /** `null` when nothing was frozen. */
  usage: UsageRecord | null;
}

export const FIRST_ERROR_STATUS = 400;

/** Whether a search wants requests that ended with an error. */
export function wantsRefused({ status, stage }: RequestFilter): boolean {
  return stage !== 'settle' && (status === undefined || status.to >= FIRST_ERROR_STATUS);
}

/** Whether a search wants requests that were served, or still run. */
export function wantsServed({ status, stage }: RequestFilter): boolean {
  return (
    (stage === undefined || stage === 'settle') && (status === undefined || (status.from <= 200 && status.to >= 200))
  );
}

export function foundRefused(request: RefusedRequest, usage: UsageRecord | null): FoundRequest {
  return { ...request, usage };
}

/** A request that is known by its usage alone: it was served, it still runs, or its process died. */
export function foundServed(usage: UsageRecord): FoundRequest {
  const { requestId, clientRequestId, createdAt, accountId, apiKeyId, modelKey } = usage;
  const isServed = usage.status === 'settled';
  return {
    requestId,
    clientRequestId,
    createdAt,
    accountId,
    apiKeyId,
    status: isServed ? 200 : null,
    stage: 'settle',
    error: null,
    model: modelKey,
    usage,
  };
}
