import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { pollUntil } from './poll.js';

/** A message as it arrived. */
export interface Received {
  headers: IncomingHttpHeaders;
  body: string;
}

/** How a receiver answers; it may also never do. */
export type Answering = (response: ServerResponse, received: Received) => void;

export const answering =
  (status: number, headers: Record<string, string> = {}): Answering =>
  (response) =>
    response.writeHead(status, headers).end();

/** Somebody's server that takes messages. */
export class Receiver {
  readonly received: Received[] = [];
  answer: Answering = answering(200);

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void text(request).then((body) => {
        const received = { headers: request.headers, body };
        this.received.push(received);
        this.answer(response, received);
      });
    });
  }

  static async start(): Promise<Receiver> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Receiver(server);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port.toString()}/hook?team=1`;
  }

  /** Waits for so many messages. */
  async messages(count: number): Promise<Received[]> {
    return pollUntil(() => Promise.resolve(this.received.length >= count ? this.received : null), `${count} messages`);
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

/** Whether a message is signed as Standard Webhooks 1.0.0 says; written from the specification, not from our signer. */
export function isSigned(secret: string, { headers, body }: Received, nowMs = Date.now()): boolean {
  const header = (name: string): string => String(headers[name] ?? '');
  if (!/^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(secret)) return false;
  if (Math.abs(nowMs / 1000 - Number(header('webhook-timestamp'))) > 300) return false;
  const signed = [header('webhook-id'), header('webhook-timestamp'), body].join('.');
  const mac = createHmac('sha256', Buffer.from(secret.replace('whsec_', ''), 'base64')).update(signed, 'utf8');
  return header('webhook-signature')
    .split(' ')
    .includes(`v1,${mac.digest('base64')}`);
}
