import { stopDatabaseServer } from './database-server.js';

/** Jest demands a default export here. Runs once, after all workers. */
export default async function globalTeardown() {
  await stopDatabaseServer();
}
