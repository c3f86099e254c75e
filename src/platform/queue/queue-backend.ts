import type { EventEmitter } from 'node:events';
import { createPostgresBackend, createRedisBackend, type BackendFactory, type ConnectionOptions } from 'bullmq';
import type { Config } from '../config/index.js';
import { databaseUrl } from '../database/index.js';

const SCHEMA = 'bullmq';
const CONNECTIONS_PER_QUEUE = 2;
const CONNECT_TIMEOUT_MS = 2_000;
const QUERY_TIMEOUT_MS = 15_000;
const RECONNECT_MAX_MS = 1_000;

/** Where jobs live: the same Postgres by default, Redis when REDIS_URL is set. The rest of the program cannot tell. */
export interface QueueBackend {
  kind: 'postgres' | 'redis';
  factory: BackendFactory;
  /** Required by BullMQ's constructors; the factory knows its own connection. */
  connection: ConnectionOptions;
  /** Keeps the jobs of several databases apart on one Redis; Postgres keeps them in its own database. */
  prefix: string;
  /** Ends attempts to reconnect: called first when the queues close. */
  stop(): void;
}

/** @throws when no database is configured: the caller resolves the embedded one first. */
export function queueBackendOf(config: Config): QueueBackend {
  const url = databaseUrl(config);
  const prefix = `joytoken-${new URL(url).pathname.slice(1)}`;
  if (config.REDIS_URL === undefined) {
    return { kind: 'postgres', factory: onPostgres(url), connection: {}, prefix, stop: () => undefined };
  }
  let stopped = false;
  const connection: ConnectionOptions = {
    url: config.REDIS_URL,
    retryStrategy: (times: number) => (stopped ? null : Math.min(times * 100, RECONNECT_MAX_MS)),
  };
  const stop = (): void => {
    stopped = true;
  };
  return { kind: 'redis', factory: createRedisBackend, connection, prefix, stop };
}

function onPostgres(url: string): BackendFactory {
  return (name, options, roles) => {
    const connection = {
      connectionString: url,
      schema: SCHEMA,
      migrate: true,
      max: CONNECTIONS_PER_QUEUE,
      application_name: 'joytoken-gateway queue',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      query_timeout: QUERY_TIMEOUT_MS,
      // BullMQ borrows a client to migrate and does not listen to its errors: one that breaks then would end the process.
      onConnect: (client: EventEmitter) => client.on('error', () => undefined),
    };
    return createPostgresBackend(name, { ...options, connection }, roles);
  };
}
