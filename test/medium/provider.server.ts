import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One chunk with a delta, as JSON text. */
export function chunkText(delta: object, finishReason: string | null = null): string {
  return JSON.stringify({ id: 'c', choices: [{ index: 0, delta, finish_reason: finishReason }] });
}

/** A server that answers every request with server-sent events of a test's own. */
export async function sseServer(
  answer: (response: ServerResponse) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    request.resume().on('end', () => {
      response.setHeader('content-type', 'text/event-stream');
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}/v1`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
