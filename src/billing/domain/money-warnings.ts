import type { NewEvent } from '../../events/index.js';
import { requestIdTimeMs } from '../../platform/ids/index.js';
import { formatDecimal } from '../../platform/money/index.js';
import type { ClaimedFreeze } from '../../wallet/index.js';
import { outcomeOf } from './outcome.js';

const HOUR_MS = 3_600_000;

/** What a settlement came to, micro-credits. */
export interface SettledAmounts {
  usedMicros: bigint;
  chargedMicros: bigint;
  shortfallMicros: bigint;
}

/** Whether the end of a freeze may be worth an event; known before it is settled. */
export function mayWarn(freeze: ClaimedFreeze, usedMicros: bigint): boolean {
  return usedMicros > freeze.amountMicros || outcomeOf(freeze)?.doubt !== undefined;
}

/**
 * What operators hear of one settled request: a price that the wallet could not pay, a provider whose count was not charged. Each
 * wallet and each endpoint is told of once an hour, by the time of the request, because a fault comes with every call.
 */
export function warningsOf(freeze: ClaimedFreeze, amounts: SettledAmounts): NewEvent[] {
  const outcome = outcomeOf(freeze);
  const hour = Math.floor((requestIdTimeMs(freeze.id) ?? 0) / HOUR_MS).toString();
  const events: NewEvent[] = [];
  const facts = { request_id: freeze.id, provider: outcome?.providerName ?? null, model_key: freeze.facts['modelKey'] };
  if (amounts.shortfallMicros > 0n) {
    const wallet = `${freeze.accountId}/${freeze.tier}`;
    events.push({
      kind: 'shortfall',
      accountId: freeze.accountId,
      subject: { type: 'wallet', id: wallet },
      data: {
        tier: freeze.tier,
        shortfall: formatDecimal(amounts.shortfallMicros),
        credits_used: formatDecimal(amounts.usedMicros),
        credits_charged: formatDecimal(amounts.chargedMicros),
        ...facts,
      },
      onceKey: `shortfall:${wallet}:${hour}`,
    });
  }
  const { doubt, endpointId = null } = outcome ?? {};
  if (doubt !== undefined && endpointId !== null) {
    events.push({
      kind: doubt.kind,
      accountId: null,
      subject: { type: 'endpoint', id: endpointId },
      data: { reported_input_tokens: doubt.inputTokens, reported_output_tokens: doubt.outputTokens, ...facts },
      onceKey: `${doubt.kind}:${endpointId}:${hour}`,
    });
  }
  return events;
}
