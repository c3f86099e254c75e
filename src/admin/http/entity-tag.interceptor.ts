import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { map, type Observable } from 'rxjs';
import type { AdminRequest } from './admin-request.js';
import { isVersioned, writeOf } from './admin-operation.js';
import { entityTagOf, isNoneMatched } from './entity-tag.js';

/** Sends the `ETag` of a versioned resource; a read whose caller has it already is answered without a body. */
@Injectable()
export class EntityTagInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const handler = context.getHandler();
    if (!isVersioned(handler)) return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<AdminRequest>();
    const reply = http.getResponse<FastifyReply>();
    return next.handle().pipe(
      map((body: unknown) => {
        if (body === undefined) return body;
        const tag = entityTagOf(body);
        reply.header('etag', tag);
        if (writeOf(handler) !== null || !isNoneMatched(request.headers['if-none-match'], tag)) return body;
        reply.status(304);
        return undefined;
      }),
    );
  }
}
