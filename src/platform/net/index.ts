export * from './addresses.js';
export * from './guarded-connector.js';
export * from './guarded-poster.js';
export * from './outbound-url.js';
