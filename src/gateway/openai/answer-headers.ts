import type { Attempt } from '../../provider/index.js';
import type { RequestContext } from '../pipeline/context.js';

/**
 * The gateway's headers of a model call, as far as they are known: ids, used model and provider, failed endpoints.
 * Values are reduced to visible ASCII, because names come from operators.
 */
export function streamHeadersOf(context: RequestContext): Record<string, string> {
  return {
    'x-request-id': context.clientRequestId,
    'x-daoe-request-id': context.requestId,
    ...usedHeadersOf(context),
  };
}

/** `X-DAOE-Used-Model`, `X-DAOE-Used-Provider` and `X-DAOE-Failover`, each only when it is known. */
export function usedHeadersOf(context: RequestContext): Record<string, string> {
  const failover = failoverOf(context.attempts);
  const provider = context.endpoint?.providerName ?? context.attempts.at(-1)?.provider;
  return {
    ...(context.route === null ? {} : { 'x-daoe-used-model': headerText(context.route.model.modelKey) }),
    ...(provider === undefined ? {} : { 'x-daoe-used-provider': headerText(provider) }),
    ...(failover === '' ? {} : { 'x-daoe-failover': failover }),
  };
}

/** `provider=reason` of every endpoint that failed, in order of trial; two tries at one endpoint are one pair. */
function failoverOf(attempts: readonly Attempt[]): string {
  const lastTries = new Map(attempts.map((attempt) => [attempt.endpointId, attempt]));
  return [...lastTries.values()]
    .filter((attempt) => attempt.failure !== null)
    .map((attempt) => `${headerText(attempt.provider)}=${headerText(attempt.reason ?? attempt.failure ?? 'failed')}`)
    .join(', ');
}

function headerText(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, '_');
}
