import { once, type EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs, type Call } from './calls.js';

/** Writes an answer and keeps the call's record true; every wait ends when the client goes. */
export class Sender {
  private readonly gone = new AbortController();

  constructor(
    private readonly response: ServerResponse,
    private readonly call: Call,
    /** Emits the name of a model whose behaviour was set by hand. */
    private readonly behaviourSet: EventEmitter,
  ) {
    response.on('close', () => {
      if (response.writableFinished) call.endedAtMs = nowMs();
      else call.hungUpAtMs ??= nowMs();
      this.gone.abort();
    });
    response.on('error', () => undefined);
  }

  get closed(): boolean {
    return this.gone.signal.aborted;
  }

  json(status: number, text: string, headers: Record<string, string> = {}): void {
    this.call.status = status;
    this.call.bytesWritten = text.length;
    const length = Buffer.byteLength(text);
    this.response.writeHead(status, { 'content-type': 'application/json', 'content-length': length, ...headers });
    this.response.end(text);
  }

  openStream(contentType = 'text/event-stream; charset=utf-8'): void {
    this.call.status = 200;
    this.response.writeHead(200, { 'content-type': contentType, 'cache-control': 'no-cache' });
  }

  flushHeaders(): void {
    this.response.flushHeaders();
  }

  /** Writes without waiting for the reader. */
  write(bytes: string | Buffer): void {
    this.call.bytesWritten += bytes.length;
    this.response.write(bytes);
  }

  /** Writes and waits until the reader has room, as a provider that respects back-pressure does. */
  async writeWithRoom(bytes: string | Buffer): Promise<void> {
    this.call.bytesWritten += bytes.length;
    if (this.response.write(bytes) || this.closed) return;
    await new Promise<void>((resolve) => {
      this.response.once('drain', resolve);
      this.gone.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }

  end(bytes?: string): void {
    if (bytes !== undefined) this.call.bytesWritten += bytes.length;
    this.response.end(bytes);
  }

  /** Ends the connection in the middle, after what was written has left. */
  cut(): void {
    this.response.write('', () => this.response.socket?.destroy());
  }

  reset(): void {
    this.response.socket?.resetAndDestroy();
  }

  close(): void {
    this.response.socket?.end();
  }

  /** Resolves after the time, or at once when the client has gone. */
  async wait(ms: number): Promise<void> {
    if (ms <= 0) return;
    await sleep(ms, undefined, { signal: this.gone.signal }).catch(() => undefined);
  }

  /** Resolves when the model of this call is given another behaviour, or when the client has gone. */
  async held(): Promise<void> {
    await once(this.behaviourSet, this.call.model, { signal: this.gone.signal }).catch(() => undefined);
  }

  /** Resolves when the client has gone. */
  async forever(): Promise<void> {
    if (this.closed) return;
    await new Promise<void>((resolve) => {
      this.gone.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
