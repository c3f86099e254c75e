export * from './domain/policy.js';
