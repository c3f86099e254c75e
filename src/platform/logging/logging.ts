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
    destination({ dest: 1, sync: false, minLength: BUFFER_BYTES, periodicFlush: FLUSH_EVERY_MS }),
  );
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
