export * from './columns.js';
export * from './database-pool.js';
export * from './database.module.js';
export * from './hot-connection.js';
export * from './hot-connection.factory.js';
export * from './jsonb.js';
export { outageOf } from './outage.js';
export * from './transaction.js';
export { UnitOfWork } from './unit-of-work.js';
