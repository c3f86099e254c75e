import { Controller, Get, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { CredentialCheck } from '../auth/index.js';
import { Public } from '../platform/access/index.js';
import { Operation } from '../platform/openapi/index.js';
import { PolicyService } from '../policy/index.js';
import { bearerOf } from './bearer.js';
import { HEALTH, HEALTH_LIVE, HEALTH_READY } from './health.operations.js';
import { HealthService, withoutDetails, type HealthReport } from './health.service.js';

type Report = HealthReport['body'];

/** Door 3: probes. 200 or 503; details only for who may observe. */
@Controller('health')
@Public()
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly credentials: CredentialCheck,
    private readonly policies: PolicyService,
  ) {}

  @Get()
  @Operation(HEALTH)
  async everything(@Req() request: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<Report> {
    const { address } = this.policies.clientIpOf(request);
    // Probes are answered 200 or 503 whatever their token; one that is not looked at gets no details.
    const observes = await this.credentials
      .mayObserve(bearerOf(request.headers.authorization), address)
      .catch(() => false);
    return this.answer(await this.health.ready(), reply, observes);
  }

  @Get('live')
  @Operation(HEALTH_LIVE)
  async live(@Res({ passthrough: true }) reply: FastifyReply): Promise<Report> {
    return this.answer(await this.health.live(), reply);
  }

  @Get('ready')
  @Operation(HEALTH_READY)
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Report> {
    return this.answer(await this.health.ready(), reply);
  }

  private answer({ status, body }: HealthReport, reply: FastifyReply, observes = false): Report {
    reply.code(status).header('cache-control', 'no-store');
    return observes ? body : withoutDetails(body);
  }
}
