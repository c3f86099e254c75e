export * from './sealed-stores.js';
export * from './secret-box.js';
