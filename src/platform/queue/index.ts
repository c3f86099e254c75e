export * from './job-queues.js';
export * from './queue.module.js';
export * from './queues.js';
export * from './queue-health.js';
export * from './queue-admin.js';
