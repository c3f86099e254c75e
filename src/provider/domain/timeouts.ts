import type { Endpoint, EndpointTimeouts, EndpointWaits } from './endpoint.js';

/** The time-outs of an endpoint: its own where it has usable ones, else the configured ones. Milliseconds. */
export function resolveTimeouts({ timeouts }: Endpoint, defaults: EndpointTimeouts): EndpointTimeouts {
  return {
    connectMs: usable(timeouts.connectMs) ?? defaults.connectMs,
    // An endpoint that may think for long before its first content may do so before its headers.
    headersMs: usable(timeouts.headersMs) ?? Math.max(defaults.headersMs, usable(timeouts.firstTokenMs) ?? 0),
    firstEventMs: usable(timeouts.firstEventMs) ?? defaults.firstEventMs,
    firstTokenMs: usable(timeouts.firstTokenMs) ?? defaults.firstTokenMs,
    idleMs: usable(timeouts.idleMs) ?? defaults.idleMs,
    totalMs: usable(timeouts.totalMs) ?? defaults.totalMs,
  };
}

/** Longest `Retry-After` of this endpoint that is waited for, in milliseconds. */
export function retryAfterMaxWaitMs({ timeouts }: Endpoint, defaultMs: EndpointWaits['retryAfterMaxWaitMs']): number {
  return timeouts.retryAfterMaxWaitMs === 0 ? 0 : (usable(timeouts.retryAfterMaxWaitMs) ?? defaultMs);
}

/** What a Node timer can hold; the column is free JSON. */
function usable(value: unknown): number | null {
  return typeof value === 'number' && value >= 1 && value <= 2_147_483_647 ? value : null;
}
