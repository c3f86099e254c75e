import type { UsdMicros } from '../../platform/money/index.js';

/** What happens when the caller hangs up: bill the delivered part, read to the end and bill exactly, or charge nothing. */
export type HangupBilling = 'estimate' | 'drain' | 'free';

export interface EndpointTimeouts {
  connectMs: number;
  headersMs: number;
  /** From the headers of a stream to any byte of it: a role, a comment, a ping. */
  firstEventMs: number;
  /** From the start of the attempt to the first content of a stream. */
  firstTokenMs: number;
  idleMs: number;
  totalMs: number;
}

/** Every wait of a call that an endpoint can set for itself. */
export interface EndpointWaits extends EndpointTimeouts {
  /** Longest `Retry-After` of a 429 that is waited for, to ask this endpoint a second time; 0 never waits. */
  retryAfterMaxWaitMs: number;
}

/** A place where a model can be called: a provider, the model's name there, and the rules of the call. */
export interface Endpoint {
  id: string;
  modelId: string;
  modelKey: string;
  providerId: string;
  providerName: string;
  /** Folder name under `src/provider/adapters`. */
  adapter: string;
  baseUrl: string;
  hangupBilling: HangupBilling;
  upstreamModel: string;
  /** Lower is tried first. */
  priority: number;
  /** Share among healthy endpoints of one priority. */
  weight: number;
  timeouts: Partial<EndpointWaits>;
  /** Tokens that fit here, where that differs from the model's own; `null` when nobody has said so. */
  contextWindow: number | null;
  inputUsdPerMtok: UsdMicros;
  outputUsdPerMtok: UsdMicros;
  supportsPrefill: boolean;
  /** Price- or destination-changing request fields that this endpoint enables and prices. */
  allowedFields: readonly string[];
  enabled: boolean;
}
