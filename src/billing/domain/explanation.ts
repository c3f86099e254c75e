import { formatDecimal } from '../../platform/money/index.js';
import type { Freeze } from '../../wallet/index.js';
import type { Correction } from './correction.js';
import { attemptFactsOf, rescueFactsOf } from './facts.js';
import { outcomeOf } from './outcome.js';
import { STAGES, type RequestTrace, type Stage, type StageRecord } from './trace.js';
import type { UsageRecord } from './usage.js';
import { verdictOf } from './verdict.js';

/** Everything that is known of one request. A part that was lost, or never came to be, is `null`. */
export interface RequestEvidence {
  requestId: string;
  clientRequestId: string;
  trace: RequestTrace | null;
  freeze: Freeze | null;
  usage: UsageRecord | null;
  /** What was put right after the settlement, in order. */
  corrections: readonly Correction[];
  /** The settlement queue now; `null` when it is not needed or does not answer. */
  job: Record<string, unknown> | null;
  /** How many requests share the id that was asked for. */
  matches: number;
  /** The time of the explanation: what waits is told how long. */
  nowMs: number;
}

/** The answer of `/requests/{id}`, as it goes out. */
export interface Explanation {
  request_id: string;
  client_request_id: string;
  /** Requests that share the id that was asked for; the newest is explained. */
  matches: number;
  /** HTTP status that the caller saw; `null` while it is not known. */
  status: number | null;
  verdict: string;
  next_step: string;
  /** All nine, in order. */
  stages: StageRecord[];
}

/** Who is told: an operator everything, the caller of the request what it may know. */
export type Audience = 'operator' | 'caller';

/** Tells what happened to a request, from its trace where there is one, and from the rows of its money in any case. */
export function explain(evidence: RequestEvidence, audience: Audience): Explanation {
  const stages = STAGES.map((stage) => stageOf(stage, evidence));
  const outcome = outcomeOf(evidence.freeze);
  return {
    request_id: evidence.requestId,
    client_request_id: evidence.clientRequestId,
    matches: evidence.matches,
    status: evidence.trace?.status ?? outcome?.status ?? null,
    ...verdictOf(stages, evidence, audience),
    stages: audience === 'operator' ? stages : stages.map((stage) => withoutInternals(stage) as StageRecord),
  };
}

function stageOf(stage: Stage, evidence: RequestEvidence): StageRecord {
  const traced = evidence.trace?.stages.find((record) => record.stage === stage) ?? null;
  const { freeze } = evidence;
  if (freeze === null) return traced ?? notReached(stage);
  switch (stage) {
    case 'freeze':
      return { ...(traced ?? passed(stage)), status: 'passed', ...freezeFacts(freeze) };
    case 'provider':
      return traced ?? providerFromRow(freeze);
    case 'capture':
      return captureStage(traced, freeze);
    case 'settle':
      return settleStage(traced, freeze, evidence);
    default:
      // A freeze exists, so every stage before it has passed, whatever became of the trace.
      return traced ?? passed(stage);
  }
}

function freezeFacts(freeze: Freeze): Record<string, unknown> {
  const { amountMicros, tier, state, extensions } = freeze;
  return { amount: formatDecimal(amountMicros), tier, state, extensions, frozen_at: freeze.createdAt.toISOString() };
}

function providerFromRow(freeze: Freeze): StageRecord {
  const outcome = outcomeOf(freeze);
  if (outcome === null) return { stage: 'provider', status: freeze.state === 'held' ? 'pending' : 'failed', ms: null };
  const status = outcome.providerName === null ? 'failed' : 'passed';
  const { attempts, rescued, providerName: provider } = outcome;
  return {
    stage: 'provider',
    status,
    ms: outcome.durationMs,
    attempts: attemptFactsOf(attempts),
    provider,
    ended: outcome.reason,
    rescued: rescueFactsOf(rescued),
  };
}

function captureStage(traced: StageRecord | null, freeze: Freeze): StageRecord {
  const outcome = outcomeOf(freeze);
  if (outcome === null) {
    if (traced !== null) return traced;
    return freeze.state === 'held' ? notReached('capture') : { stage: 'capture', status: 'failed', ms: null };
  }
  return {
    ...(traced ?? passed('capture')),
    status: 'passed',
    disposition: outcome.disposition,
    reason: outcome.reason,
    usage_source: outcome.usageSource,
    captured_at: freeze.capturedAt?.toISOString() ?? null,
  };
}

function settleStage(traced: StageRecord | null, freeze: Freeze, evidence: RequestEvidence): StageRecord {
  const { usage, corrections, job } = evidence;
  const facts = {
    ...(freeze.settleAttempts > 0 ? { failed_attempts: freeze.settleAttempts, error: freeze.settleError } : {}),
    ...(usage === null ? {} : { usage: usageFacts(usage) }),
    ...(corrections.length === 0 ? {} : { corrections: corrections.map(correctionFacts) }),
    ...(job === null ? {} : { job, waiting_ms: waitingMs(freeze, evidence.nowMs) }),
  };
  const base = { stage: 'settle' as const, ms: traced?.ms ?? null };
  if (freeze.endedAt !== null && usage !== null) {
    const status = usage.status === 'expired' || usage.status === 'failed' ? 'failed' : 'passed';
    const ms = freeze.capturedAt === null ? base.ms : freeze.endedAt.getTime() - freeze.capturedAt.getTime();
    return { ...base, status, ms: ms !== null && ms < 0 ? base.ms : ms, state: usage.status, ...facts };
  }
  if (outcomeOf(freeze) === null && freeze.state === 'held') return { ...notReached('settle'), state: 'held' };
  return { ...base, status: 'pending', state: freeze.state, ...facts };
}

/** How long an outcome has waited for its settlement; clocks of machines differ a little. */
function waitingMs({ capturedAt }: Freeze, nowMs: number): number | null {
  return capturedAt === null ? null : Math.max(0, nowMs - capturedAt.getTime());
}

function usageFacts(usage: UsageRecord): Record<string, unknown> {
  return {
    model: usage.modelKey,
    provider: usage.provider,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cached_output_tokens: usage.cachedOutputTokens,
    credits_used: formatDecimal(usage.creditsUsedMicros),
    credits_charged: formatDecimal(usage.creditsChargedMicros),
    shortfall: formatDecimal(usage.shortfallMicros),
    provider_cost_usd: formatDecimal(usage.providerCostUsdMicros),
    usage_source: usage.usageSource,
    settled_at: usage.settledAt?.toISOString() ?? null,
  };
}

function correctionFacts({ number, reason, before, after, createdAt }: Correction): Record<string, unknown> {
  return {
    number,
    reason,
    credits_used_before: formatDecimal(before.creditsUsedMicros),
    credits_used_after: formatDecimal(after.creditsUsedMicros),
    corrected_at: createdAt.toISOString(),
  };
}

function passed(stage: Stage): StageRecord {
  return { stage, status: 'passed', ms: null };
}

function notReached(stage: Stage): StageRecord {
  return { stage, status: 'not_reached', ms: null };
}

/** Facts about providers, rules of policies and the machinery, which a caller is not shown. */
const INTERNAL_FACTS: ReadonlySet<string> = new Set([
  'balances',
  'detail',
  'endpoints',
  'funded_elsewhere',
  'ignored_header',
  'in_pool',
  'ip_rule',
  'job',
  'matched_rule',
  'provider_cost_usd',
  'rescued',
]);

/** Facts that hold facts: the usage record, and choices of a model after the first one. */
const NESTED_FACTS: ReadonlySet<string> = new Set(['usage', 'route', 'routes']);

/** For the caller: how many attempts, but not where and why they failed. */
function withoutInternals(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts)
      .filter(([name]) => !INTERNAL_FACTS.has(name))
      .map(([name, value]) => {
        if (name === 'attempts') return [name, Array.isArray(value) ? value.length : value];
        return [name, NESTED_FACTS.has(name) ? nestedWithoutInternals(value) : value];
      }),
  );
}

function nestedWithoutInternals(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(nestedWithoutInternals);
  return typeof value === 'object' && value !== null ? withoutInternals(value as Record<string, unknown>) : value;
}
