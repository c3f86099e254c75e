import { Injectable, ServiceUnavailableException } from '@nestjs/common';
import {
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorFunction,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import { Dependencies } from './dependencies.js';
import { ServingState } from './serving-state.js';

export interface HealthReport {
  status: 200 | 503;
  body: HealthCheckResult;
}

/** What probes are told, in the shape of the Terminus library. */
@Injectable()
export class HealthService {
  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly dependencies: Dependencies,
    private readonly serving: ServingState,
  ) {}

  /** Whether the process runs; asks nobody else. */
  live(): Promise<HealthReport> {
    return this.report([() => this.indicators.check('process').up()]);
  }

  /** Whether the process may be sent traffic: everything a request needs is there, and it is not stopping. */
  ready(): Promise<HealthReport> {
    const { dependencies } = this;
    return this.report([
      () => this.taking(),
      async () => dependencies.database(),
      async () => dependencies.queues(),
      () => dependencies.snapshots(),
    ]);
  }

  private taking(): HealthIndicatorResult {
    const session = this.indicators.check('process');
    return this.serving.isStopping ? session.down('shutting down') : session.up();
  }

  private async report(indicators: HealthIndicatorFunction[]): Promise<HealthReport> {
    try {
      return { status: 200, body: await this.checks.check(indicators) };
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      const body = error.getResponse() as HealthCheckResult;
      return { status: 503, body: this.serving.isStopping ? { ...body, status: 'shutting_down' } : body };
    }
  }
}

/** The report for everybody: which component is up, and nothing about where it is or what it said. */
export function withoutDetails(body: HealthCheckResult): HealthCheckResult {
  const bare = (part: Partial<HealthIndicatorResult> | undefined): HealthIndicatorResult =>
    Object.fromEntries(Object.entries(part ?? {}).map(([name, value]) => [name, { status: value?.status ?? 'down' }]));
  return { status: body.status, info: bare(body.info), error: bare(body.error), details: bare(body.details) };
}
