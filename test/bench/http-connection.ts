import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const DONE = Buffer.from('data: [DONE]\n\n');
const USAGE = Buffer.from('"usage":{');
const LAST_CHUNK = Buffer.from('\r\n0\r\n\r\n');
const TAIL_BYTES = 256;
/** A target that falls silent must not hang the run. */
const ANSWER_TIMEOUT_MS = 20_000;

export interface Answer {
  status: number;
  /** From sending to the first byte of the body. */
  firstByteMs: number;
  totalMs: number;
  sawDone: boolean;
  sawUsage: boolean;
}

/**
 * One keep-alive connection that sends one request at a time. It understands just enough HTTP/1.1 (Content-Length and
 * chunked), because every microsecond spent here is taken from the server under test, which shares the cores.
 */
export class HttpConnection {
  private readonly socket: Socket;
  private head: Buffer = Buffer.alloc(0);
  private inBody = false;
  private status = 0;
  /** Bytes of the body still to come; -1 for a chunked one. */
  private remaining = 0;
  private sentAt = 0;
  private firstByteAt = 0;
  private tail: Buffer = Buffer.alloc(0);
  private sawDone = false;
  private sawUsage = false;
  private settle: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | null = null;

  constructor(
    host: string,
    port: number,
    private readonly request: Buffer,
  ) {
    this.socket = connect({ host, port, noDelay: true });
    this.socket.setTimeout(ANSWER_TIMEOUT_MS, () => this.socket.destroy(new Error('no byte for too long')));
    this.socket.on('data', (bytes: Buffer) => this.receive(bytes));
    this.socket.on('error', (error) => this.fail(error));
    this.socket.on('close', () => this.fail(new Error('connection closed')));
  }

  /** Sends the request and resolves at the end of the answer. Rejects when the connection breaks. */
  send(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.inBody = false;
      this.head = Buffer.alloc(0);
      this.tail = Buffer.alloc(0);
      this.sawDone = false;
      this.sawUsage = false;
      this.firstByteAt = 0;
      this.sentAt = performance.now();
      this.socket.write(this.request);
    });
  }

  close(): void {
    this.settle = null;
    this.socket.destroy();
  }

  private receive(bytes: Buffer): void {
    if (this.inBody) return this.receiveBody(bytes);
    this.head = this.head.length === 0 ? bytes : Buffer.concat([this.head, bytes]);
    const end = this.head.indexOf(HEAD_END);
    if (end < 0) return;
    const text = this.head.toString('latin1', 0, end).toLowerCase();
    this.status = Number(text.slice(9, 12));
    const length = /\r\ncontent-length: *(\d+)/.exec(text);
    this.remaining = length === null ? -1 : Number(length[1]);
    this.inBody = true;
    // The line end before the body stays: the end of an empty chunked body is found by it too.
    this.receiveBody(this.head.subarray(end + HEAD_END.length));
  }

  private receiveBody(bytes: Buffer): void {
    if (bytes.length > 0 && this.firstByteAt === 0) this.firstByteAt = performance.now();
    if (this.remaining >= 0) {
      this.remaining -= bytes.length;
      if (this.remaining <= 0) this.finish();
      return;
    }
    const seen = this.tail.length === 0 ? bytes : Buffer.concat([this.tail, bytes]);
    this.sawUsage ||= seen.includes(USAGE);
    this.sawDone ||= seen.includes(DONE);
    if (seen.length >= LAST_CHUNK.length && seen.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) this.finish();
    else this.tail = Buffer.from(seen.subarray(-TAIL_BYTES));
  }

  private finish(): void {
    const now = performance.now();
    const settle = this.settle;
    this.settle = null;
    settle?.resolve({
      status: this.status,
      firstByteMs: (this.firstByteAt === 0 ? now : this.firstByteAt) - this.sentAt,
      totalMs: now - this.sentAt,
      sawDone: this.sawDone,
      sawUsage: this.sawUsage,
    });
  }

  private fail(error: Error): void {
    const settle = this.settle;
    this.settle = null;
    settle?.reject(error);
  }
}

/** A whole request in bytes, ready to be sent many times. */
export function requestBytes(url: URL, key: string | undefined, body: string): Buffer {
  const lines = [
    `POST ${url.pathname} HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body).toString()}`,
    ...(key === undefined ? [] : [`authorization: Bearer ${key}`]),
  ];
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
