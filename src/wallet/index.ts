export * from './domain/tier.js';
export * from './domain/freeze.js';
