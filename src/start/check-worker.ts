import { hasPulse } from './worker-pulse.js';

/* The health check of a worker's container: exit code 0 while the worker does its work. */
process.exit((await hasPulse(Date.now())) ? 0 : 1);
