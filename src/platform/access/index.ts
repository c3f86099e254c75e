export * from './access.js';
export * from './route-access-check.js';
