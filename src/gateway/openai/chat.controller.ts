import { Controller, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { Operation } from '../../platform/openapi/index.js';
import type { ProviderAnswer } from '../../provider/index.js';
import { contextOf } from '../pipeline/context.js';
import { ChatPipeline } from '../pipeline/pipeline.js';
import { ProviderCall } from '../pipeline/provider-call.js';
import { CREATE_COMPLETION } from './openai.operations.js';

/** `POST /openai/v1/chat/completions`. */
@Controller('openai/v1/chat/completions')
@ApiKeyAccess()
export class ChatController {
  constructor(private readonly calls: ProviderCall) {}

  /** Stage 7. Taking the reply leaves the sending to the capture interceptor instead of Nest. */
  @Post()
  @Operation(CREATE_COMPLETION)
  @ChatPipeline()
  create(@Res() reply: FastifyReply): Promise<ProviderAnswer> {
    return this.calls.call(contextOf(reply.request));
  }
}
