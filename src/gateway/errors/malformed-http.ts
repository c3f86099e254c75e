import { STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../../platform/errors/index.js';
import { newClientRequestId, newRequestId } from '../../platform/ids/index.js';
import type { RouteTable } from '../route-table.js';
import { OPENAI_ERRORS, openAiErrorBody, errorHeaders } from './openai-errors.js';

/** What the HTTP parser refused, by the code of its error; anything else is bad syntax or framing. */
const PARSER_FAULTS: Readonly<Record<string, { status: number; message: string }>> = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'the request line and headers are larger than 32 KiB' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'the headers of the request did not arrive in time' },
};
const SYNTAX_FAULT = { status: 400, message: 'the request is not valid HTTP' };

/**
 * Answers bytes that are not an HTTP request, in the shape of every other error, and ends the connection. An answer that
 * is under way on it is cut off: nothing may be mixed into it.
 */
export function answerMalformedHttp(fault: NodeJS.ErrnoException, socket: Socket): void {
  if (fault.code !== 'ECONNRESET' && socket.writable && !isAnswering(socket)) {
    const { status, message } = PARSER_FAULTS[fault.code ?? ''] ?? SYNTAX_FAULT;
    writeError(socket, status, new AppError('invalid_request', message, { code: 'invalid_request' }));
  }
  socket.destroySoon();
}

/**
 * Answers what Node keeps from ever becoming an ordinary request: tunnels, and expectations, which it would meet or refuse
 * before anybody has looked at the request.
 */
export function answerUnusualRequests(server: Server, routes: RouteTable): void {
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    const allow = routes.methodsOf(request.url ?? '').join(', ');
    const error =
      allow === ''
        ? new AppError('not_found', 'no such endpoint', { code: 'not_found' })
        : new AppError('method_not_allowed', 'method CONNECT is not allowed here', {
            code: 'method_not_allowed',
            allow,
          });
    writeError(socket, OPENAI_ERRORS[error.kind].status, error);
    socket.destroySoon();
  });
  for (const event of ['checkContinue', 'checkExpectation']) {
    server.on(event, (request: IncomingMessage, response: ServerResponse) => {
      server.emit('request', request, response);
    });
  }
}

function writeError(socket: Socket, status: number, error: AppError): void {
  const ids = { requestId: newRequestId(), clientRequestId: newClientRequestId() };
  const payload = JSON.stringify(openAiErrorBody(error, ids));
  const headers = {
    'x-request-id': ids.clientRequestId,
    'x-daoe-request-id': ids.requestId,
    ...errorHeaders(error),
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(payload),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${payload}`);
}

/** Whether the head of an answer has gone out; Node keeps that answer at the socket, and decides by it as well. */
function isAnswering(socket: Socket & { _httpMessage?: { headersSent: boolean } | null }): boolean {
  return socket._httpMessage?.headersSent === true;
}
