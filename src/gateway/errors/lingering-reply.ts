import type { IncomingMessage, ServerResponse } from 'node:http';

const DISCARD_MAX_BYTES = 16 * 1024 * 1024;
const DISCARD_MAX_MS = 5_000;

/**
 * Answers a request whose body may not have been read: the whole answer goes out at once, then the rest of the body is discarded
 * within bounds, so that the caller sees the status and not a broken pipe. Past the bounds the connection is closed, and at once
 * when the caller waits to be asked for its body: none will come.
 */
export function replyAndDiscard(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  payload: string,
): void {
  const declaredBytes = Number(request.headers['content-length'] ?? 0);
  const isUnasked = request.headers.expect !== undefined && !request.complete && !request.readableDidRead;
  const closes = isUnasked || declaredBytes > DISCARD_MAX_BYTES;
  response.writeHead(status, {
    ...headers,
    'content-length': Buffer.byteLength(payload),
    ...(closes ? { connection: 'close' } : {}),
  });
  if (request.complete || isUnasked) {
    response.end(payload);
    return;
  }
  response.write(payload);
  let discardedBytes = 0;
  const finish = (destroy: boolean): void => {
    clearTimeout(deadline);
    request.off('data', onData).off('end', onEnd).off('close', onEnd);
    response.end(() => {
      if (destroy) request.destroy();
    });
  };
  const onEnd = (): void => finish(false);
  const onData = (chunk: Buffer): void => {
    discardedBytes += chunk.length;
    if (discardedBytes > DISCARD_MAX_BYTES) finish(true);
  };
  const deadline = setTimeout(() => finish(true), DISCARD_MAX_MS);
  request.on('data', onData).once('end', onEnd).once('close', onEnd);
  request.resume();
}
