export * from './domain/difference.js';
export * from './domain/report.js';
export * from './ledger-verifier.js';
export * from './reconciliation.module.js';
export { withBook } from './persistence/book.js';
