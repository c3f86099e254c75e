import { Controller, Get, Header, Headers, Inject } from '@nestjs/common';
import { AdminTokenService } from '../auth/index.js';
import { Public } from '../platform/access/index.js';
import { AppError } from '../platform/errors/index.js';
import { METRICS, type Registry } from '../platform/metrics/index.js';
import { Operation } from '../platform/openapi/index.js';
import { bearerOf } from './bearer.js';
import { METRICS_TEXT } from './health.operations.js';

/** Prometheus metrics of this process, for who may observe. */
@Controller('metrics')
@Public()
export class MetricsController {
  constructor(
    @Inject(METRICS) private readonly registry: Registry,
    private readonly tokens: AdminTokenService,
  ) {}

  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Operation(METRICS_TEXT)
  async read(@Headers('authorization') authorization: string | undefined): Promise<string> {
    if (!this.tokens.mayObserve(bearerOf(authorization))) {
      throw new AppError('unauthorized', 'a viewer token is needed', { code: 'missing_admin_token' });
    }
    return this.registry.metrics();
  }
}
