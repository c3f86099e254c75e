import { formatDecimal } from '../../platform/money/index.js';
import { diagnose } from './diagnosis.js';
import type { Audience, RequestEvidence } from './explanation.js';
import { outcomeOf, type Outcome } from './outcome.js';
import type { Stage, StageRecord } from './trace.js';
import type { UsageRecord } from './usage.js';

export interface Verdict {
  verdict: string;
  next_step: string;
}

/** What to do about a refusal that brought no hint of its own. */
const ADVICE: Readonly<Record<Stage, string>> = {
  receive: 'Check the method and the path of the request.',
  authenticate: 'Check that the API key is sent, known, ACTIVE and not expired.',
  read_body: 'Correct the field that the error names and send the request again.',
  policy: "Check the key's policy, tier, fixed model and quotas, and the credits of its wallets.",
  route: 'Check that a model of an allowed tier is enabled, fits the request and has a healthy endpoint.',
  freeze: 'Top the wallet up, lower max_tokens, or raise the limits of the key.',
  provider: 'Look at the attempts of the provider stage and test the endpoints that failed.',
  capture: 'Check the database; the freeze expires by itself and nothing is charged.',
  settle: 'Look at the error of the settle stage.',
};
const NOTHING = 'Nothing to do.';

/** Answers that ended before they were complete, by the reason of their outcome. */
const CUT_SHORT: Readonly<Record<string, string>> = {
  caller_gone: ', until the caller left',
  upstream_cut: ', until the provider cut it off',
  quota_stop: ', until the wallet had no more credits',
  maximum_exceeded: ', until the gateway ended it because the provider went past its maximum of output tokens',
};

/** One sentence on what happened, and one on what to do now. */
export function verdictOf(stages: readonly StageRecord[], evidence: RequestEvidence, audience: Audience): Verdict {
  const { usage, freeze } = evidence;
  const stopped = stages.find(({ status }) => status === 'refused' || status === 'failed');
  if (usage?.status === 'expired') return expired(usage);
  if (usage?.status === 'failed') {
    return {
      verdict: 'The outcome could not be settled ten times; the freeze was released and nothing was charged.',
      next_step: 'Read the error of the settle stage and correct the balance by an adjustment if a charge is due.',
    };
  }
  if (stopped !== undefined && stopped.stage !== 'settle') {
    return (audience === 'operator' ? diagnose(stopped) : null) ?? stoppedAt(stopped, evidence);
  }
  if (usage?.status === 'settled') {
    const outcome = outcomeOf(freeze);
    const cutShort = CUT_SHORT[outcome?.reason ?? ''] ?? '';
    return withDelivery(settled(usage, `${cutShort}. ${doubted(outcome)}`), stages);
  }
  if (usage?.status === 'released') {
    return { verdict: 'The frozen credits were given back; nothing was charged.', next_step: NOTHING };
  }
  if (freeze?.state === 'captured') return waiting(freeze.settleAttempts, freeze.settleError);
  if (freeze?.state === 'held') {
    return {
      verdict: `The request is still running; ${formatDecimal(freeze.amountMicros)} credits are frozen for it.`,
      next_step: 'Ask again when it has ended.',
    };
  }
  return { verdict: 'The request passed every stage that is known of it.', next_step: NOTHING };
}

/** A reader that lags for this long is worth a word. */
const SLOW_READER_MS = 1_000;

/** How the answer reached the caller: answers questions about a screen that hangs. */
function withDelivery({ verdict, next_step: nextStep }: Verdict, stages: readonly StageRecord[]): Verdict {
  const body = stages.find(({ stage }) => stage === 'read_body');
  const sent = stages.find(({ stage }) => stage === 'capture');
  const accept = typeof body?.['accept'] === 'string' ? body['accept'] : null;
  if (body?.['stream'] !== true) {
    if (accept?.includes('text/event-stream') !== true) return { verdict, next_step: nextStep };
    return {
      verdict: `${verdict} The client accepts text/event-stream but did not ask for a stream, so it got one whole answer.`,
      next_step: 'If it should stream, let the client send "stream": true.',
    };
  }
  if (sent?.['reader'] === 'gone' || sent?.['reader'] === 'stalled') {
    const how =
      sent['reader'] === 'stalled'
        ? 'The caller took no byte for two minutes and was cut off.'
        : 'The caller closed the connection itself.';
    return {
      verdict: `${verdict} ${how}`,
      next_step: 'Look at the client, or at a proxy between, for a time-out or a cancelled request.',
    };
  }
  if (sent?.['metadata_event'] !== true) return { verdict, next_step: nextStep };
  const whole = 'The stream was sent whole, with the metadata event and [DONE].';
  const waitedMs = typeof sent['reader_waited_ms'] === 'number' ? sent['reader_waited_ms'] : 0;
  if (waitedMs >= SLOW_READER_MS) {
    return {
      verdict: `${verdict} ${whole} The caller read slowly: the gateway waited ${waitedMs.toString()} ms for it.`,
      next_step: 'Look for a slow client or a proxy that holds the stream back.',
    };
  }
  if (accept !== null && !/text\/event-stream|\*\/\*|text\/\*/.test(accept)) {
    return {
      verdict: `${verdict} ${whole} The client sent Accept: ${accept}, which is not a stream of events.`,
      next_step:
        'Let the client read server-sent events, and skip events without choices: the metadata event has none.',
    };
  }
  return { verdict: `${verdict} ${whole}`, next_step: nextStep };
}

function stoppedAt(stage: StageRecord, { trace, usage }: RequestEvidence): Verdict {
  // Some messages are sentences already.
  const message = typeof stage['message'] === 'string' ? `: ${stage['message'].replace(/\.$/, '')}` : '';
  const status = trace === null ? '' : ` with HTTP ${String(trace.status)}`;
  const money = usage === null ? '' : ` ${moneyOf(usage)}`;
  return {
    verdict: `The request was ${stage.status === 'refused' ? 'refused' : 'ended by a failure'} at stage ${stage.stage}${status}${message}.${money}`,
    next_step: typeof stage['hint'] === 'string' ? stage['hint'] : ADVICE[stage.stage],
  };
}

function settled(usage: UsageRecord, how: string): Verdict {
  const by = usage.provider === null ? '' : ` by ${usage.provider}`;
  return {
    verdict: `The request was answered${by} with ${usage.modelKey}${how}${moneyOf(usage)}`,
    next_step:
      usage.shortfallMicros > 0n ? `Top the ${usage.tier} wallet up; the shortfall is borne by the platform.` : NOTHING,
  };
}

/** A sentence on a count that the provider sent and that is not charged. */
function doubted(outcome: Outcome | null): string {
  const { kind, inputTokens, outputTokens } = outcome?.doubt ?? {};
  if (outputTokens === undefined || outputTokens === null) return '';
  const said = `The provider reported ${String(inputTokens ?? 0)} input and ${String(outputTokens)} output tokens, which`;
  return kind === 'implausible_usage'
    ? `${said} cannot be true, so the gateway's own count is charged. `
    : `${said} is past the maximum that it was sent, so the gateway's own count is charged. `;
}

function expired(usage: UsageRecord): Verdict {
  const late =
    usage.creditsUsedMicros > 0n
      ? ` Its outcome came afterwards: ${formatDecimal(usage.shortfallMicros)} credits are a shortfall of the platform.`
      : '';
  return {
    verdict: `The process that served the request ended before an outcome was written; the freeze expired and nothing was charged.${late}`,
    next_step: 'Look for the end of that process in the logs; the caller may send the request again.',
  };
}

function waiting(failedAttempts: number, error: string | null): Verdict {
  if (failedAttempts === 0) {
    return {
      verdict: 'The request was answered; its settlement is waiting for a worker.',
      next_step: 'Ask again in a second.',
    };
  }
  return {
    verdict: `The request was answered; its settlement has failed ${String(failedAttempts)} times and is tried again: ${error ?? 'no reason known'}.`,
    next_step: ADVICE.settle,
  };
}

function moneyOf(usage: UsageRecord): string {
  const charged = formatDecimal(usage.creditsChargedMicros);
  if (usage.creditsUsedMicros === 0n) return 'Nothing was charged.';
  if (usage.shortfallMicros === 0n) return `${charged} credits were charged.`;
  return `${charged} credits were charged; ${formatDecimal(usage.shortfallMicros)} more could not be taken from the wallet.`;
}
