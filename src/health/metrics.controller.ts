import { Controller, Get, Header, Inject, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CredentialCheck } from '../auth/index.js';
import { Public } from '../platform/access/index.js';
import { AppError } from '../platform/errors/index.js';
import { METRICS, type Registry } from '../platform/metrics/index.js';
import { Operation } from '../platform/openapi/index.js';
import { PolicyService } from '../policy/index.js';
import { bearerOf } from './bearer.js';
import { METRICS_TEXT } from './health.operations.js';

/** Prometheus metrics of this process, for who may observe. */
@Controller('metrics')
@Public()
export class MetricsController {
  constructor(
    @Inject(METRICS) private readonly registry: Registry,
    private readonly credentials: CredentialCheck,
    private readonly policies: PolicyService,
  ) {}

  @Get()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @Operation(METRICS_TEXT)
  async read(@Req() request: FastifyRequest): Promise<string> {
    const { address } = this.policies.clientIpOf(request);
    if (!(await this.credentials.mayObserve(bearerOf(request.headers.authorization), address))) {
      throw new AppError('unauthorized', 'a viewer token is needed', { code: 'missing_admin_token' });
    }
    return this.registry.metrics();
  }
}
