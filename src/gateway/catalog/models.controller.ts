import { Controller, Get, Options, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { parseCatalogQuery } from './catalog-query.js';
import { LIST_CATALOG } from './catalog.operations.js';
import { CatalogService } from './catalog.service.js';

/** Browsers of any site may read the list; nothing else of the gateway is open to them. */
const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'ETag, X-Request-ID, X-DAOE-Request-ID',
};

const PREFLIGHT_HEADERS = {
  ...CORS_HEADERS,
  'access-control-allow-methods': 'GET, OPTIONS',
  'access-control-allow-headers': 'Authorization, X-API-Key, X-Request-ID, Content-Type, If-None-Match',
  'access-control-max-age': '600',
};

/** `GET /api/v1/models`: the public catalogue. A key, good or bad, changes nothing. */
@Controller('api/v1/models')
@Public()
export class ModelsController {
  constructor(private readonly catalog: CatalogService) {}

  @Get()
  @Operation(LIST_CATALOG)
  list(@Query() query: unknown, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    // Set before anything can fail: a browser may read errors as well.
    reply.headers(CORS_HEADERS);
    const { json, etag } = this.catalog.list(parseCatalogQuery(query));
    reply.headers({ etag, 'cache-control': 'public, no-cache' });
    if (knows(request.headers['if-none-match'], etag)) reply.code(304).send();
    else reply.header('content-type', 'application/json; charset=utf-8').send(json);
  }

  @Options()
  preflight(@Res() reply: FastifyReply): void {
    reply.code(204).headers(PREFLIGHT_HEADERS).send();
  }
}

/** Whether `If-None-Match` names the version (RFC 9110 §13.1.2; weak comparison). */
function knows(header: string | undefined, etag: string): boolean {
  return (header ?? '').split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
