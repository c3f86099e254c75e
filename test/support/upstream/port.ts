import type { Server as HttpServer } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { TEST_CERTIFICATE, TEST_CERTIFICATE_KEY } from './certificate.js';

/** First byte of a TLS handshake; no HTTP request begins with it. */
const TLS_HANDSHAKE = 22;

/**
 * Lets an HTTP server listen on a port that also answers TLS, with a certificate that nobody trusts: `https://` and the
 * same port is a provider whose TLS is broken.
 */
export async function listen(
  http: HttpServer,
  host: string,
  port: number,
): Promise<{ port: number; close: () => Promise<void> }> {
  const tls = createTlsServer({ cert: TEST_CERTIFICATE, key: TEST_CERTIFICATE_KEY }, (socket) =>
    http.emit('connection', socket),
  );
  tls.on('tlsClientError', () => undefined);
  const open = new Set<Socket>();
  // As an HTTP server opens its own port.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    socket.once('data', (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      (first[0] === TLS_HANDSHAKE ? tls : http).emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 2048 }, resolve);
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  return { port: (server.address() as AddressInfo).port, close };
}
