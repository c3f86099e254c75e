export * from './domain/outcome.js';
