export * from './domain/endpoint.js';
export * from './domain/call.js';
