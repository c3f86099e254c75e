import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { INestApplicationContext } from '@nestjs/common';
import type { Config } from '../platform/config/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { METRICS as REGISTRY, type Registry } from '../platform/metrics/index.js';
import { describeListenError, METRICS } from './port.js';

/** A scraper sends a few hundred bytes; whoever dawdles is cut off. */
const REQUEST_TIMEOUT_MS = 5_000;
const CONNECTIONS_MAX = 32;

/** Serves `/metrics`, and nothing else, on a port of its own. */
export interface MetricsServer {
  close: () => void;
}

/**
 * Starts it where METRICS_PORT is set. Whoever reaches the port may read: it needs no token.
 * @throws StartError when the port cannot be had.
 */
export async function startMetrics(app: INestApplicationContext, config: Config): Promise<MetricsServer> {
  const { METRICS_HOST: host, METRICS_PORT: port } = config;
  if (port === undefined) return { close: () => undefined };
  const logger = app.get<Logger>(LOGGER);
  const registry = app.get<Registry>(REGISTRY);
  const server = createServer(
    { requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS },
    (request, response) => {
      answer(registry, request, response).catch((error: unknown) => {
        logger.error({ error: String(error) }, 'metrics could not be served');
        response.destroy();
      });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(describeListenError(error, host, port, METRICS)));
    server.listen(port, host, resolve);
  });
  logger.info({ host, port: (server.address() as AddressInfo).port }, 'metrics have a port of their own');
  return {
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

async function answer(registry: Registry, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [path] = (request.url ?? '').split('?', 1);
  if (path !== '/metrics') return end(response, 404, 'not found\n');
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return end(response, 405, 'method not allowed\n');
  }
  const text = await registry.metrics();
  response.setHeader('content-type', registry.contentType);
  end(response, 200, request.method === 'HEAD' ? '' : text);
}

function end(response: ServerResponse, status: number, text: string): void {
  response.statusCode = status;
  response.end(text);
}
