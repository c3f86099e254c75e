export * from './domain/outcome.js';
export * from './domain/trace.js';
