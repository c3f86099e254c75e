import type { RoutingGroup } from './ballot.js';

/** What became of one request of `auto`. */
export interface RoutedCall {
  group: RoutingGroup;
  /** Of the request, for the control group to compare with; `null` without one. */
  kind: string | null;
  modelKey: string;
  /** What the caller was charged, and what the provider asks for; USD. */
  usd: number;
  providerUsd: number;
  /** What the choice was expected to cost, and what the router's own choice was; USD. */
  estimatedUsd: number;
  routersEstimatedUsd: number;
  inputTokens: number;
  outputTokens: number;
  durationMs: number;
  /** `null` for an answer that came whole, or not at all. */
  firstTokenMs: number | null;
  /** Why the model stopped, as the provider said. */
  finishReason: string | null;
  /** Why it failed; `null` when it did not. */
  failure: string | null;
}

/** One sum over requests of a group. */
export interface RoutingSum {
  group: RoutingGroup;
  measure: string;
  /** What is counted apart: a model, a reason, a step of a histogram; else empty. */
  label: string;
  value: number;
}

/** Steps of the histograms, each a fifth longer than the one before. */
const STEP = 1.2;
const LABEL_CHARS_MAX = 128;

/** What one request adds to the sums of its group. */
export function sumsOf(call: RoutedCall): RoutingSum[] {
  const sums: RoutingSum[] = [];
  const add = (measure: string, value: number, label = ''): void => {
    if (value !== 0) sums.push({ group: call.group, measure, label: label.slice(0, LABEL_CHARS_MAX), value });
  };
  const addSpread = (measure: string, value: number): void => {
    add(measure, value);
    add(`${measure}_squares`, value * value);
  };
  add('requests', 1);
  add('models', 1, call.modelKey);
  addSpread('usd', call.usd);
  add('provider_usd', call.providerUsd);
  add('estimated_usd', call.estimatedUsd);
  add('routers_estimated_usd', call.routersEstimatedUsd);
  add('input_tokens', call.inputTokens);
  add('output_tokens', call.outputTokens);
  if (call.failure === null) {
    add('answered', 1);
    addSpread('duration_ms', call.durationMs);
    add('duration_steps', 1, stepOf(call.durationMs));
    if (call.firstTokenMs !== null) {
      add('streams', 1);
      add('first_token_ms', call.firstTokenMs);
      add('first_token_steps', 1, stepOf(call.firstTokenMs));
    }
    add('finish_reasons', 1, call.finishReason ?? 'unknown');
  } else {
    add('failures', 1, call.failure);
  }
  return sums;
}

function stepOf(ms: number): string {
  return String(ms <= 1 ? 0 : Math.ceil(Math.log(ms) / Math.log(STEP)));
}

/** One group as the report shows it. Money in USD, times in milliseconds; `null` where there is nothing to divide by. */
export interface GroupReport {
  requests: number;
  failures: Record<string, number>;
  failure_share: number | null;
  usd: number;
  usd_a_request: number | null;
  /** 95 % interval of that; `null` with fewer than two requests. */
  usd_a_request_95: { low: number; high: number } | null;
  provider_usd: number;
  /** Expected of the choices before the calls: of this group's, and of what the router chose or would have chosen. */
  estimated_usd: number;
  routers_estimated_usd: number;
  input_tokens: number;
  output_tokens: number;
  duration_ms: { mean: number | null; p50: number | null; p95: number | null };
  first_token_ms: { mean: number | null; p50: number | null; p95: number | null };
  finish_reasons: Record<string, number>;
  models: Record<string, number>;
}

export interface RoutingReport {
  groups: Record<RoutingGroup, GroupReport>;
  /** What the control group spends a request, as a share of what the router's group does; `null` while that cannot be said. */
  control_spend_ratio: Difference | null;
  /** Router less control, with 95 % intervals; `null` while a group has fewer than two requests. */
  difference: { usd_a_request: Difference | null; duration_ms: Difference | null; failure_share: Difference | null };
}

export interface Difference {
  mean: number;
  low95: number;
  high95: number;
}

/** The report over sums. */
export function reportOf(sums: readonly RoutingSum[]): RoutingReport {
  const [router, control] = [new GroupSums(sums, 'router'), new GroupSums(sums, 'control')];
  return {
    groups: { router: router.report(), control: control.report() },
    control_spend_ratio: ratioOf(control.moments('usd', 'requests'), router.moments('usd', 'requests')),
    difference: {
      usd_a_request: differenceOf(router.moments('usd', 'requests'), control.moments('usd', 'requests')),
      duration_ms: differenceOf(router.moments('duration_ms', 'answered'), control.moments('duration_ms', 'answered')),
      failure_share: differenceOf(router.failureMoments(), control.failureMoments()),
    },
  };
}

interface Moments {
  count: number;
  mean: number;
  variance: number;
}

class GroupSums {
  private readonly sums: readonly RoutingSum[];

  constructor(sums: readonly RoutingSum[], group: RoutingGroup) {
    this.sums = sums.filter((sum) => sum.group === group);
  }

  report(): GroupReport {
    const requests = this.total('requests');
    const failed = this.total('failures');
    return {
      requests,
      failures: this.byLabel('failures'),
      failure_share: ratio(failed, requests),
      usd: round(this.total('usd')),
      usd_a_request: ratio(this.total('usd'), requests),
      usd_a_request_95: intervalOf(this.moments('usd', 'requests')),
      provider_usd: round(this.total('provider_usd')),
      estimated_usd: round(this.total('estimated_usd')),
      routers_estimated_usd: round(this.total('routers_estimated_usd')),
      input_tokens: this.total('input_tokens'),
      output_tokens: this.total('output_tokens'),
      duration_ms: this.times('duration_ms', 'duration_steps', 'answered'),
      first_token_ms: this.times('first_token_ms', 'first_token_steps', 'streams'),
      finish_reasons: this.byLabel('finish_reasons'),
      models: this.byLabel('models'),
    };
  }

  moments(measure: string, counted: string): Moments {
    const count = this.total(counted);
    const mean = count === 0 ? 0 : this.total(measure) / count;
    const squares = count === 0 ? 0 : this.total(`${measure}_squares`) / count;
    return { count, mean, variance: Math.max(0, squares - mean * mean) };
  }

  failureMoments(): Moments {
    const count = this.total('requests');
    const mean = count === 0 ? 0 : this.total('failures') / count;
    return { count, mean, variance: mean * (1 - mean) };
  }

  private total(measure: string): number {
    return this.sums.reduce((total, sum) => (sum.measure === measure ? total + sum.value : total), 0);
  }

  private byLabel(measure: string): Record<string, number> {
    const entries = this.sums.filter((sum) => sum.measure === measure).sort((left, right) => right.value - left.value);
    return Object.fromEntries(entries.map(({ label, value }) => [label, value]));
  }

  private times(sum: string, steps: string, counted: string): GroupReport['duration_ms'] {
    const histogram = this.sums
      .filter(({ measure }) => measure === steps)
      .sort((left, right) => Number(left.label) - Number(right.label));
    const at = (share: number): number | null => {
      let left = share * histogram.reduce((total, { value }) => total + value, 0);
      for (const { label, value } of histogram) {
        left -= value;
        if (left <= 0) return round(STEP ** Number(label));
      }
      return null;
    };
    return { mean: ratio(this.total(sum), this.total(counted)), p50: at(0.5), p95: at(0.95) };
  }
}

function intervalOf({ count, mean, variance }: Moments): { low: number; high: number } | null {
  if (count < 2) return null;
  const margin = 1.96 * Math.sqrt(variance / count);
  return { low: round(Math.max(0, mean - margin)), high: round(mean + margin) };
}

/** Ratio of two means with its 95 % interval, normal in its logarithm. */
function ratioOf(part: Moments, whole: Moments): Difference | null {
  if (part.count < 2 || whole.count < 2 || part.mean <= 0 || whole.mean <= 0) return null;
  const mean = part.mean / whole.mean;
  const relative = [part, whole].map(({ count, mean: of, variance }) => variance / count / (of * of));
  const margin = 1.96 * Math.sqrt(relative.reduce((sum, one) => sum + one, 0));
  return { mean: round(mean), low95: round(mean * Math.exp(-margin)), high95: round(mean * Math.exp(margin)) };
}

/** Difference of two means with its normal 95 % interval. */
function differenceOf(router: Moments, control: Moments): Difference | null {
  if (router.count < 2 || control.count < 2) return null;
  const mean = router.mean - control.mean;
  const margin = 1.96 * Math.sqrt(router.variance / router.count + control.variance / control.count);
  return { mean: round(mean), low95: round(mean - margin), high95: round(mean + margin) };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : round(part / whole);
}

function round(value: number): number {
  return Number(value.toPrecision(6));
}
