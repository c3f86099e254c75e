export * from './app-error.js';
export * from './error-codes.js';
export * from './error-door.js';
