import { Body, Delete, Get, Param, Post } from '@nestjs/common';
import { PriceService } from '../../router/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { created, removed, type Written } from '../http/written.js';
import {
  createPriceSchema,
  priceFields,
  priceListSchema,
  priceSchema,
  priceView,
  type CreatePrice,
  type PriceListView,
  type PriceView,
} from './prices.schema.js';

const TAG = 'Models';
const RESOURCE = 'price';

@AdminController('models/:id/prices')
export class PricesController {
  constructor(private readonly prices: PriceService) {}

  @Post()
  @AdminOperation({
    summary: 'Add a price version, now or from a time to come',
    description:
      'At its time a version is in force in every process by itself. Requests that have frozen credits keep their version.',
    tag: TAG,
    status: 201,
    body: createPriceSchema,
    response: priceSchema,
    write: { action: 'price.create' },
  })
  async create(@Param('id') modelId: string, @Body() body: CreatePrice): Promise<Written<PriceView>> {
    return created(RESOURCE, priceView(await this.prices.create(modelId, priceFields(body))));
  }

  @Get()
  @AdminOperation({
    summary: 'List the price versions of a model, newest first',
    description: 'In force is the latest `effective_at` that is not in the future.',
    tag: TAG,
    response: priceListSchema,
  })
  async list(@Param('id') modelId: string): Promise<PriceListView> {
    return { data: (await this.prices.list(modelId)).map(priceView), next_cursor: null };
  }

  @Delete(':price_id')
  @AdminOperation({
    summary: 'Take back a scheduled price version',
    description: 'Only until five seconds before its time; a version that has been in force stays for ever.',
    tag: TAG,
    status: 204,
    write: { action: 'price.delete' },
  })
  async remove(@Param('id') modelId: string, @Param('price_id') priceId: string): Promise<Written<undefined>> {
    return removed(RESOURCE, priceId, priceView(await this.prices.cancel(modelId, priceId)));
  }
}
