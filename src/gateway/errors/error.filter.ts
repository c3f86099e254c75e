import { Catch, Inject, Injectable, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError, type ErrorDoor } from '../../platform/errors/index.js';
import { LOGGER, type Logger } from '../../platform/logging/index.js';
import { usedHeadersOf } from '../openai/answer-headers.js';
import { RouteTable } from '../route-table.js';
import { replyAndDiscard } from './lingering-reply.js';
import { openAiErrorBody } from './openai-errors.js';
import { pathHint } from './path-hint.js';
import { toAppError } from './to-app-error.js';
import { RequestJournal } from '../pipeline/request-journal.js';

/** Injection token of the list of doors; the composition root fills it. */
export const ERROR_DOORS = Symbol('ERROR_DOORS');

/** The only place where an error becomes an answer. */
@Catch()
@Injectable()
export class ErrorFilter implements ExceptionFilter {
  constructor(
    @Inject(ERROR_DOORS) private readonly doors: readonly ErrorDoor[],
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly routes: RouteTable,
    private readonly journal: RequestJournal,
  ) {}

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.respond(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Also for what fails before Nest is reached, such as an address that cannot be decoded. */
  respond(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = this.refine(toAppError(thrown), request);
    if (error.kind === 'internal') {
      this.logger.error({ request_id: request.gatewayRequestId, detail: error.detail }, 'unforeseen error');
    } else if (error.kind === 'unavailable' && error.detail !== undefined) {
      this.logger.warn({ request_id: request.gatewayRequestId, code: error.code, detail: error.detail }, 'unavailable');
    }
    if (reply.raw.headersSent) this.failStream(error, request, reply);
    else this.answer(error, request, reply);
  }

  /** An unknown route is a wrong method when another method would have matched. */
  private refine(error: AppError, request: FastifyRequest): AppError {
    if (error.kind !== 'not_found' || error.code !== 'not_found') return error;
    const allowed = this.routes.methodsOf(request.url);
    if (allowed.includes(request.method)) return error;
    const path = keptPathOf(request.url);
    const facts = { method: request.method, path };
    if (allowed.length === 0) {
      const hint = error.hint ?? pathHint(path, this.routes);
      return new AppError('not_found', error.message, {
        code: 'not_found',
        facts,
        ...(hint === undefined ? {} : { hint }),
      });
    }
    return new AppError('method_not_allowed', `method ${request.method} is not allowed here`, {
      code: 'method_not_allowed',
      allow: allowed.join(', '),
      facts,
    });
  }

  private answer(error: AppError, request: FastifyRequest, reply: FastifyReply): void {
    const ids = { requestId: request.gatewayRequestId, clientRequestId: request.clientRequestId };
    const rendered = this.doorOf(request.url).render(error, ids);
    this.journal.failed(request.gatewayContext, error, rendered.status);
    const headers: Record<string, string> = {
      ...(reply.getHeaders() as Record<string, string>),
      ...(request.gatewayContext === null ? {} : usedHeadersOf(request.gatewayContext)),
      'content-type': rendered.contentType,
      ...rendered.headers,
    };
    reply.hijack();
    replyAndDiscard(request.raw, reply.raw, rendered.status, headers, JSON.stringify(rendered.body));
  }

  /** The status has gone out already: the stream ends with the error and without `[DONE]`. */
  private failStream(error: AppError, request: FastifyRequest, reply: FastifyReply): void {
    const ids = { requestId: request.gatewayRequestId, clientRequestId: request.clientRequestId };
    this.journal.failed(request.gatewayContext, error, 200);
    if (!reply.raw.writableEnded) reply.raw.end(`data: ${JSON.stringify(openAiErrorBody(error, ids))}\n\n`);
  }

  private doorOf(url: string): ErrorDoor {
    const matching = this.doors.filter((door) => url.startsWith(door.prefix));
    const [best] = matching.sort((a, b) => b.prefix.length - a.prefix.length);
    if (best === undefined) throw new Error('no error door for this path');
    return best;
  }
}

const KEPT_SEGMENTS = 8;

/** An unknown path as it may be kept and shown: segments that could hold a key or a text are left out. */
function keptPathOf(url: string): string {
  const [path = ''] = url.split('?', 1);
  const segments = path.split('/', KEPT_SEGMENTS + 1).slice(1);
  return segments.map((segment) => (/^[\w.-]{0,24}$/.test(segment) ? `/${segment}` : '/…')).join('');
}
