import { Controller, Get, Param, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ExplainService } from '../../billing/index.js';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { ApiKeyGuard, apiKeyOf } from '../catalog/api-key.guard.js';
import { EXPLAIN_OWN_REQUEST } from './openai.operations.js';

/** `GET /openai/v1/requests/{id}`: a caller reads what became of its own requests, without provider internals. */
@Controller('openai/v1/requests')
@ApiKeyAccess()
@UseGuards(ApiKeyGuard)
export class RequestsController {
  constructor(private readonly explanations: ExplainService) {}

  @Get(':id')
  @Operation(EXPLAIN_OWN_REQUEST)
  async read(@Req() request: FastifyRequest, @Param('id') id: string): Promise<object> {
    const key = apiKeyOf(request);
    return this.explanations.explain(id, { apiKeyId: key.id });
  }
}
