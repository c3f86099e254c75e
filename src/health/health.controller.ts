import { Controller, Get, Headers, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AdminTokenService } from '../auth/index.js';
import { Public } from '../platform/access/index.js';
import { Operation } from '../platform/openapi/index.js';
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
    private readonly tokens: AdminTokenService,
  ) {}

  @Get()
  @Operation(HEALTH)
  async everything(
    @Headers('authorization') authorization: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Report> {
    return this.answer(await this.health.ready(), authorization, reply);
  }

  @Get('live')
  @Operation(HEALTH_LIVE)
  async live(@Res({ passthrough: true }) reply: FastifyReply): Promise<Report> {
    return this.answer(await this.health.live(), undefined, reply);
  }

  @Get('ready')
  @Operation(HEALTH_READY)
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Report> {
    return this.answer(await this.health.ready(), undefined, reply);
  }

  private answer({ status, body }: HealthReport, authorization: string | undefined, reply: FastifyReply): Report {
    reply.code(status).header('cache-control', 'no-store');
    return this.tokens.mayObserve(bearerOf(authorization)) ? body : withoutDetails(body);
  }
}
