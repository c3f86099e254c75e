import type { FailureClass } from '../../../src/provider/index.js';

/** Tokens in disjoint buckets. */
export interface Tokens {
  input: number;
  output: number;
  cached?: number;
  written?: number;
}

export interface CalledFunction {
  name: string;
  arguments: unknown;
}

/** What a caller must see of an answer, and what it costs. */
export interface Served {
  text?: string;
  reasoning?: string;
  /** The model declined; some vendors say why, others only that. */
  declined?: string;
  finish?: 'stop' | 'length' | 'tool_calls' | 'content_filter';
  calls?: readonly CalledFunction[];
  /** The provider's own count, or one of ours. */
  tokens: Tokens | 'estimated';
  /** Texts that must be in what the upstream received. */
  received?: readonly string[];
  /** How a field of the request stands in what the upstream of an adapter received. */
  wire?: Readonly<Record<string, Wire>>;
}

/** Texts of a vendor's own form that a request must have, or must not. */
export interface Wire {
  has?: readonly string[];
  lacks?: readonly string[];
}

/** How an endpoint failed, in the explanation and, by its reason, in `X-DAOE-Failover`. */
export interface Failed {
  reason: RegExp;
  class: FailureClass | readonly FailureClass[];
}

export interface BatteryCase {
  name: string;
  /** What the endpoints do, in order of priority. `refused:` and `tls:` are addresses where nobody speaks. */
  behaviours: readonly string[];
  /** Fields of the request. */
  request?: Record<string, unknown>;
  /** Fields of the first endpoint. */
  endpoint?: Record<string, unknown>;
  /** Names of the adapters that it is about; all when absent. */
  adapters?: readonly string[];
  /** Only whole answers, or only streams; both when absent. */
  only?: 'whole' | 'stream';
  served?: Served;
  /** Every endpoint but the last failed like this before any output. */
  failed?: Failed;
  /** A stream broke after some output and was continued by the last endpoint. */
  isRescued?: true;
  /** Nobody could answer. */
  refused?: {
    status: number;
    code?: string | null;
    param?: string;
    hasRetryAfter?: true;
    /** The upstream was never asked. */
    isUnsent?: true;
    failed: Failed;
  };
  /** The stream broke after this text and nobody could continue it. */
  broken?: { text: string; failed: Failed };
}
