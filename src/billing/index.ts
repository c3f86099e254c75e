export * from './domain/estimate.js';
export * from './domain/outcome.js';
export * from './domain/price.js';
export * from './domain/trace.js';
