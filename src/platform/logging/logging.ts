import type { LoggerService } from '@nestjs/common';
import { destination, pino, type Logger } from 'pino';
import type { Config } from '../config/index.js';

/** Injection token of the process's structured logger. */
export const LOGGER = Symbol('LOGGER');
export type { Logger };

/** Paths that must never reach a log, whatever object is logged. */
const SECRET_PATHS = [
  'authorization',
  'api_key',
  'apiKey',
  'key',
  'token',
  'secret',
  'password',
  '["x-api-key"]',
].flatMap((name) => [name, name.startsWith('[') ? `*${name}` : `*.${name}`]);

/** Lines are gathered: a write a line costs more than making it. A busy process loses at most this much when it is killed. */
const BUFFER_BYTES = 4_096;
const FLUSH_EVERY_MS = 100;

/** A JSON logger on standard output; `flush()` it before the process ends. */
export function createLogger(config: Config, role: string): Logger {
  return pino(
    {
      level: config.LOG_LEVEL,
      base: { role, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    },
    standardOutput(),
  );
}

/**
 * Takes each line as bytes at once. Given strings, the stream would add each to those that wait and make the whole flat again to
 * measure it: of all garbage of a busy process, a twentieth.
 */
function standardOutput(): ReturnType<typeof destination> {
  const stream = destination({
    dest: 1,
    sync: false,
    minLength: BUFFER_BYTES,
    periodicFlush: FLUSH_EVERY_MS,
    contentMode: 'buffer',
  });
  const write = stream.write.bind(stream) as unknown as (bytes: Buffer) => boolean;
  stream.write = (line) => write(Buffer.from(line));
  return stream;
}

/** What a logger keeps ready for the lines that it writes. */
interface LineParts {
  /** By level: the beginning of the line. */
  [pino.symbols.lsCacheSym]: Readonly<Record<number, string>>;
  /** Fields of every line, each behind a comma. */
  [pino.symbols.chindingsSym]: string;
}

/**
 * Lines at level info with one message, for what is written for every request. Their fields are plain JSON and none is a secret:
 * nothing is looked for in them, and they are made into text at once, which takes half of what a field at a time does.
 * @returns writes one line.
 */
export function plainLines(logger: Logger, message: string): (fields: object) => void {
  const end = `,"msg":${JSON.stringify(message)}}\n`;
  const lines = Object.assign(logger.child({}), {
    [pino.symbols.asJsonSym](this: LineParts, fields: object, _message: string, level: number, time: string): string {
      const start = (this[pino.symbols.lsCacheSym][level] ?? '{') + time + this[pino.symbols.chindingsSym];
      const text = JSON.stringify(fields);
      return text === '{}' ? start + end : `${start},${text.slice(1, -1)}${end}`;
    },
  });
  return (fields) => lines.info(fields, message);
}

/** Nest's own messages through the same logger; its start-up chatter is debug. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, String(message));
  }
  error(message: unknown, stack?: unknown, context?: unknown): void {
    this.logger.error({ context, stack }, String(message));
  }
  warn(message: unknown, context?: unknown): void {
    this.logger.warn({ context }, String(message));
  }
  debug(message: unknown, context?: unknown): void {
    this.logger.debug({ context }, String(message));
  }
  verbose(message: unknown, context?: unknown): void {
    this.logger.trace({ context }, String(message));
  }
  fatal(message: unknown, context?: unknown): void {
    this.logger.fatal({ context }, String(message));
  }
}
