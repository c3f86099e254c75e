export * from './in-flight.js';
