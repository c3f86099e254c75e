import { Controller, Get, Param, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ReceiptService, type Receipt } from '../../billing/index.js';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { ApiKeyGuard, apiKeyOf } from '../catalog/api-key.guard.js';
import { READ_RECEIPT } from './openai.operations.js';

/** `GET /openai/v1/receipts/{id}`: what a request cost and how, for keys of the account that paid. */
@Controller('openai/v1/receipts')
@ApiKeyAccess()
@UseGuards(ApiKeyGuard)
export class ReceiptsController {
  constructor(private readonly receipts: ReceiptService) {}

  @Get(':id')
  @Operation(READ_RECEIPT)
  async read(@Req() request: FastifyRequest, @Param('id') id: string): Promise<Receipt> {
    const key = apiKeyOf(request);
    return this.receipts.read(key.billingAccountId, id);
  }
}
