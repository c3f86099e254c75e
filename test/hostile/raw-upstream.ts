import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the upstream answers to a model name. */
export interface RawAnswer {
  contentType: string;
  body: Buffer;
}

const HONEST = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1,
  model: 'm',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
};

/** An upstream that sends any bytes, made before they are needed; a model without an answer of its own gets an honest one. */
export class RawUpstream {
  private readonly answers = new Map<string, RawAnswer>();

  private constructor(private readonly server: Server) {
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.answer(request, response));
  }

  static async start(): Promise<RawUpstream> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new RawUpstream(server);
  }

  /** Base URL for a provider. */
  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port.toString()}/v1`;
  }

  set(model: string, answer: RawAnswer): void {
    this.answers.set(model, answer);
  }

  stop(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    // A hostile body is not worth parsing: the name of the model stands in its text.
    const text = Buffer.concat(chunks).toString('latin1');
    const at = text.lastIndexOf('"model":"');
    const model = text.slice(at + '"model":"'.length, text.indexOf('"', at + '"model":"'.length));
    const { contentType, body } = this.answers.get(model) ?? {
      contentType: 'application/json',
      body: Buffer.from(JSON.stringify(HONEST)),
    };
    response.writeHead(200, { 'content-type': contentType }).end(body);
  }
}
