export * from './clock.js';
export { Every } from './every.js';
