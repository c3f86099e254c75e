import { startDatabaseServer } from './database-server.js';

/** Jest demands a default export here. Runs once, before all workers. */
export default async function globalSetup() {
  await startDatabaseServer();
}
