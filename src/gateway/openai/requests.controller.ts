import { Controller, Get, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { KeyService } from '../../auth/index.js';
import { ExplainService } from '../../billing/index.js';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { readKey } from '../pipeline/key-source.js';
import { EXPLAIN_OWN_REQUEST } from './openai.operations.js';

/** `GET /openai/v1/requests/{id}`: a caller reads what became of its own requests, without provider internals. */
@Controller('openai/v1/requests')
@ApiKeyAccess()
export class RequestsController {
  constructor(
    private readonly keys: KeyService,
    private readonly explanations: ExplainService,
  ) {}

  @Get(':id')
  @Operation(EXPLAIN_OWN_REQUEST)
  async read(@Req() request: FastifyRequest, @Param('id') id: string): Promise<object> {
    const key = await this.keys.authenticate(readKey(request.headers).key);
    return this.explanations.explain(id, { apiKeyId: key.id });
  }
}
