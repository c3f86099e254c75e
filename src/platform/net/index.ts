export * from './addresses.js';
export * from './guarded-connector.js';
export * from './outbound-url.js';
