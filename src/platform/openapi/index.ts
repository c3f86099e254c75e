export * from './operation.js';
export * from './operation-catalog.js';
