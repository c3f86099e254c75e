import type { IncomingMessage } from 'node:http';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest, onResponseHookHandler } from 'fastify';
import { isRequestLabel, newClientRequestId, newRequestId } from '../platform/ids/index.js';
import { AppError } from '../platform/errors/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { ErrorFilter } from './errors/error.filter.js';
import { answerMalformedHttp, answerUnusualRequests } from './errors/malformed-http.js';
import { BodyReader, SMALL_BODIES } from './pipeline/body-reader.js';
import { CallerConnection } from './pipeline/caller-connection.js';
import { RequestContext } from './pipeline/context.js';
import { hostFault, pathOfTarget } from './request-target.js';
import { RouteTable } from './route-table.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Answers an error in the envelope of the door that the path belongs to. */
    respondToError(error: unknown, request: FastifyRequest, reply: FastifyReply): void;
  }
  interface FastifyRequest {
    /**
     * Reads a small JSON body. Every door calls it, or reads by itself, after it has authenticated the caller.
     * @returns `undefined` for an empty body.
     * @throws AppError as `BodyReader.readJson`.
     */
    readBody(reply: FastifyReply): Promise<unknown>;
  }
}

const HEADERS_MAX_BYTES = 32 * 1024;
const KEEP_ALIVE_MS = 72_000;
const CHAT_PATH = '/openai/v1/chat/completions';
/** Where model calls are sent. */
const MODEL_DOOR = '/openai/v1/';

/** The HTTP server: trailing slashes accepted, HEAD wherever GET is, no trust in proxy headers, every error in our shape. */
export function createFastifyAdapter(): FastifyAdapter {
  return new FastifyAdapter({
    logger: false,
    trustProxy: false,
    exposeHeadRoutes: true,
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    keepAliveTimeout: KEEP_ALIVE_MS,
    rewriteUrl: (request: IncomingMessage) => pathOfTarget(request.url ?? '/'),
    clientErrorHandler: answerMalformedHttp,
    http: {
      maxHeaderSize: HEADERS_MAX_BYTES,
      headersTimeout: 15_000,
      connectionsCheckingInterval: 5_000,
      requestTimeout: 0,
      requireHostHeader: false,
    },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      receive(request, reply, () => request.server.respondToError(error, request, reply));
    },
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: false, maxParamLength: 256 },
  });
}

/** Ids, body rules and the table of routes. Call between creating the application and initialising it. */
export function configureApp(app: NestFastifyApplication): void {
  const server = app.getHttpAdapter().getInstance();
  const routes = app.get(RouteTable);
  const errors = app.get(ErrorFilter);
  server.addHook('onRoute', (route) => {
    for (const method of [route.method].flat()) routes.add(method, route.url);
  });
  server.decorateRequest('gatewayContext', null);
  server.decorateRequest('gatewayRequestId', '');
  server.decorateRequest('clientRequestId', '');
  server.decorate('respondToError', (error, request, reply) => errors.respond(error, request, reply));
  server.addHook('onRequest', receive);
  server.addHook('onResponse', logOthers(app.get<Logger>(LOGGER)));
  server.removeAllContentTypeParsers();
  // No body is read before the caller is known, and none of an unknown path.
  server.addContentTypeParser('*', (_request, _payload, done) => done(null, undefined));
  const bodies = new BodyReader(SMALL_BODIES);
  server.decorateRequest('readBody', async function (reply) {
    return (await bodies.readJson(this.raw, reply.raw)).value;
  });
  answerUnusualRequests(server.server, routes);
}

/** One line a request also for the other doors; probes are only worth it when something is being looked for. */
function logOthers(logger: Logger): onResponseHookHandler {
  return (request, reply, done) => {
    if (request.gatewayContext === null) {
      const line = {
        request_id: request.gatewayRequestId,
        client_request_id: request.clientRequestId,
        method: request.method,
        route: request.routeOptions.url ?? null,
        status: reply.statusCode,
        total_ms: Math.round(reply.elapsedTime),
      };
      if (request.url.startsWith('/health')) logger.debug(line, 'request');
      else logger.info(line, 'request');
    }
    done();
  };
}

/** Stage 1: the ids of the request, and the context of a model call; one that was sent to a wrong path can be explained too. */
function receive(request: FastifyRequest, reply: FastifyReply, next: () => void): void {
  const nowMs = Date.now();
  // Every body is read as JSON; Fastify would refuse a content type that it cannot make sense of.
  request.raw.headers['content-type'] = 'application/json';
  const header = request.headers['x-request-id'];
  const label = typeof header === 'string' && isRequestLabel(header) ? header : newClientRequestId();
  request.gatewayContext = null;
  request.gatewayRequestId = newRequestId(nowMs);
  request.clientRequestId = label;
  reply.header('x-request-id', label).header('x-daoe-request-id', request.gatewayRequestId);
  if (isChatPath(request.url) || (request.is404 && request.url.startsWith(MODEL_DOOR))) {
    const caller = new CallerConnection(request.raw, reply.raw);
    request.gatewayContext = new RequestContext(request.gatewayRequestId, label, nowMs, caller);
  }
  const fault = hostFault(request.raw, request.originalUrl);
  if (fault === null) return next();
  request.server.respondToError(new AppError('invalid_request', fault, { code: 'invalid_request' }), request, reply);
}

function isChatPath(url: string): boolean {
  return url.startsWith(CHAT_PATH) && /^\/?(\?.*)?$/.test(url.slice(CHAT_PATH.length));
}
