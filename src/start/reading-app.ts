import 'reflect-metadata';
import { Module, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Config } from '../platform/config/index.js';
import { PlatformModule } from '../platform/platform.module.js';

/** The platform and one module. */
@Module({})
class ReadingCommand {}

/** Runs `work` with one module, for a command: no workers, nothing in the log. */
export async function withModule<T>(
  config: Config,
  role: string,
  module: Type,
  work: (app: INestApplicationContext) => Promise<T>,
): Promise<T> {
  const quiet: Config = { ...config, LOG_LEVEL: 'silent', WORKERS_ENABLED: false };
  const root = { module: ReadingCommand, imports: [PlatformModule.forRoot(quiet, role), module] };
  const app = await NestFactory.createApplicationContext(root, { logger: false, abortOnError: false });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}
