export * from './signing-keys.js';
