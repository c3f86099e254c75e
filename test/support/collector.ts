import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A collector that keeps what it gets: protobuf, in which every text is readable. */
export class Collector {
  readonly bodies: Buffer[] = [];
  private readonly server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      if (request.url === '/v1/traces') this.bodies.push(Buffer.concat(parts));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    });
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port.toString()}`;
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  /** Everything that came so far. */
  get all(): Buffer {
    return Buffer.concat(this.bodies);
  }
}
