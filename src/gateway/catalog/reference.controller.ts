import { Controller, Get, Query, UseGuards } from '@nestjs/common';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { parseCatalogQuery } from './catalog-query.js';
import { metaView, pricingView } from './catalog-view.js';
import { CATALOG_META, PRICING } from './catalog.operations.js';
import { CatalogService } from './catalog.service.js';

interface Envelope {
  code: 0;
  message: 'success';
  data: Record<string, unknown>;
}

/** What the filters can be set to, and what credits cost; for holders of a key. */
@Controller('api/v1')
@ApiKeyAccess()
@UseGuards(ApiKeyGuard)
export class ReferenceController {
  constructor(private readonly catalog: CatalogService) {}

  @Get('models/meta')
  @Operation(CATALOG_META)
  meta(@Query() query: unknown): Envelope {
    return success(metaView(this.catalog.current(), parseCatalogQuery(query).locale));
  }

  @Get('pricing')
  @Operation(PRICING)
  pricing(): Envelope {
    return success(pricingView(this.catalog.current()));
  }
}

function success(data: Record<string, unknown>): Envelope {
  return { code: 0, message: 'success', data };
}
