import { Controller, Get, Param, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { KeyService } from '../../auth/index.js';
import { ReceiptService, type Receipt } from '../../billing/index.js';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { readKey } from '../pipeline/key-source.js';
import { READ_RECEIPT } from './openai.operations.js';

/** `GET /openai/v1/receipts/{id}`: what a request cost and how, for keys of the account that paid. */
@Controller('openai/v1/receipts')
@ApiKeyAccess()
export class ReceiptsController {
  constructor(
    private readonly keys: KeyService,
    private readonly receipts: ReceiptService,
  ) {}

  @Get(':id')
  @Operation(READ_RECEIPT)
  async read(@Req() request: FastifyRequest, @Param('id') id: string): Promise<Receipt> {
    const key = await this.keys.authenticate(readKey(request.headers).key);
    return this.receipts.read(key.billingAccountId, id);
  }
}
