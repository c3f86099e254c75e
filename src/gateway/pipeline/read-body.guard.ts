import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { parseChatRequest } from '../openai/chat-request.js';
import { AppError } from '../../platform/errors/index.js';
import { BodyReader } from './body-reader.js';
import { contextOf, type FastifyRequest } from './context.js';

/** Stage 3: size, JSON and shape of the body. In Nest, pipes run after guards, so policy needs the body read here. */
@Injectable()
export class ReadBodyGuard implements CanActivate {
  constructor(private readonly bodies: BodyReader) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const context = contextOf(request);
    const { value, sizeBytes } = await this.bodies.readJson(request.raw, context.caller.response);
    context.bodyBytes = sizeBytes;
    context.body = parseChatRequest(value);
    if (context.body.stream === true && request.raw.httpVersion === '1.0') throw streamUnsupported();
    context.close('read_body', 'passed', {
      bytes: sizeBytes,
      stream: context.body.stream === true,
      requested_model: context.body.model ?? null,
      requested_tier: context.body.tier ?? null,
      accept: request.headers.accept ?? null,
    });
    return true;
  }
}

/** HTTP/1.0 has no chunks. */
function streamUnsupported(): AppError {
  return new AppError('stream_error', 'the connection cannot stream', {
    code: 'stream_unsupported',
    hint: 'Use HTTP/1.1, or send "stream": false.',
  });
}
