export * from './domain/difference.js';
export * from './domain/report.js';
export { DEFAULT_TOLERANCE, type ComparedDay } from './domain/statement.js';
export * from './ledger-verifier.js';
export * from './reconciliation.module.js';
export * from './reconciliation.service.js';
export * from './statement.service.js';
export { withBook } from './persistence/book.js';
export type { ReconciliationRun } from './persistence/run.repository.js';
