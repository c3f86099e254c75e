import { Controller, Get, Header, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Public } from '../../platform/access/index.js';
import { Operation, OperationCatalog } from '../../platform/openapi/index.js';
import { mustExist } from '../http/path-params.js';
import { DocsAssets } from './docs-assets.js';
import { DOCS_CONTENT_SECURITY_POLICY, DOCS_PAGE } from './docs.page.js';
import { buildDocument, type OpenApiDocument } from './document.js';

const API_VERSION = '1.0.0';

/** The API document and a viewer for it. They say nothing secret and are open. */
@Controller('docs')
@Public()
export class DocsController {
  private document: OpenApiDocument | null = null;

  constructor(
    private readonly operations: OperationCatalog,
    private readonly assets: DocsAssets,
  ) {}

  @Get()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', DOCS_CONTENT_SECURITY_POLICY)
  @Header('x-content-type-options', 'nosniff')
  page(): string {
    return DOCS_PAGE;
  }

  @Get('openapi.json')
  @Operation({ summary: 'This document', tag: 'Document', response: z.looseObject({ openapi: z.literal('3.1.0') }) })
  openApi(): OpenApiDocument {
    this.document ??= buildDocument(this.operations.all(), API_VERSION);
    return this.document;
  }

  @Get('assets/:name')
  async asset(@Param('name') name: string, @Res() reply: FastifyReply): Promise<void> {
    const { contentType, content } = mustExist(await this.assets.find(name), 'file');
    void reply
      .header('content-type', contentType)
      .header('cache-control', 'public, max-age=3600')
      .header('x-content-type-options', 'nosniff')
      .send(content);
  }
}
