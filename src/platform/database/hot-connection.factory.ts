import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { HotConnection } from './hot-connection.js';

/** Makes dedicated connections and closes them after everything that uses them has shut down. */
@Injectable()
export class HotConnectionFactory implements OnApplicationShutdown {
  private readonly connections: HotConnection[] = [];

  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /**
   * @param label shown in `pg_stat_activity` and in error details.
   * @param statementTimeoutMs after which the server gives a statement up; ten seconds when absent.
   */
  create(label: string, statementTimeoutMs?: number): HotConnection {
    const connection = new HotConnection(databaseUrl(this.config), label, statementTimeoutMs);
    this.connections.push(connection);
    return connection;
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.connections.map((connection) => connection.close()));
  }
}

/** The database of this process; `main` sets it to the embedded one before the application is built. */
export function databaseUrl(config: Config): string {
  if (config.DATABASE_URL === undefined) throw new Error('DATABASE_URL is not resolved');
  return config.DATABASE_URL;
}
