import { Inject, Injectable } from '@nestjs/common';
import type { Stage } from '../../billing/index.js';
import { Counter, Histogram, METRICS, type Registry } from '../../platform/metrics/index.js';
import { MICROS_PER_UNIT } from '../../platform/money/index.js';
import type { RequestContext } from './context.js';

/** From a fast stage to a long answer. */
const SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

const TOKEN_BUCKETS = {
  input: 'inputTokens',
  output: 'outputTokens',
  cached_input: 'cachedInputTokens',
  cached_output: 'cachedOutputTokens',
} as const;

/**
 * What `/metrics` says of model calls. Labels have few values: stages, verdicts, statuses, tiers, kinds of tokens; never a
 * key, an account or a model, of which there may be any number.
 */
@Injectable()
export class RequestMetrics {
  private readonly requests: Counter<'stage' | 'outcome' | 'status'>;
  private readonly stages: Histogram<'stage'>;
  private readonly firstToken: Histogram;
  private readonly tokens: Counter<'bucket'>;
  private readonly credits: Counter<'tier'>;

  constructor(@Inject(METRICS) registry: Registry) {
    const registers = [registry];
    this.requests = new Counter({
      name: 'gateway_requests_total',
      help: 'Model calls by the stage that ended them, its verdict and the status that the caller saw.',
      labelNames: ['stage', 'outcome', 'status'],
      registers,
    });
    this.stages = new Histogram({
      name: 'gateway_stage_seconds',
      help: 'Duration of each stage of model calls.',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
    this.firstToken = new Histogram({
      name: 'gateway_first_token_seconds',
      help: 'From the receipt of a stream to its first content.',
      buckets: SECONDS,
      registers,
    });
    this.tokens = new Counter({
      name: 'gateway_tokens_total',
      help: 'Tokens of captured outcomes, in disjoint buckets.',
      labelNames: ['bucket'],
      registers,
    });
    this.credits = new Counter({
      name: 'gateway_credits_total',
      help: 'Credits of captured outcomes, by the tier of the wallet.',
      labelNames: ['tier'],
      registers,
    });
  }

  /** Counts a request that has ended. */
  ended(context: RequestContext, stage: Stage, status: number): void {
    const outcome = context.stages.find((record) => record.stage === stage)?.status ?? 'not_reached';
    this.requests.inc({ stage, outcome, status });
    for (const record of context.stages) {
      if (record.ms !== null && record.stage !== 'settle') {
        this.stages.observe({ stage: record.stage }, record.ms / 1000);
      }
    }
    if (context.outcome !== null) this.captured(context, context.outcome);
  }

  private captured(context: RequestContext, outcome: NonNullable<RequestContext['outcome']>): void {
    if (outcome.firstTokenMs !== null) this.firstToken.observe(outcome.firstTokenMs / 1000);
    for (const [bucket, field] of Object.entries(TOKEN_BUCKETS)) {
      if (outcome.usage[field] > 0) this.tokens.inc({ bucket }, outcome.usage[field]);
    }
    if (context.freeze !== null && outcome.creditsUsedMicros !== '0') {
      this.credits.inc({ tier: context.freeze.tier }, Number(outcome.creditsUsedMicros) / Number(MICROS_PER_UNIT));
    }
  }
}
