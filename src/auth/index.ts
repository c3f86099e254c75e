export * from './account.service.js';
export * from './admin-token.service.js';
export * from './auth.module.js';
export * from './domain/account.js';
export * from './domain/api-key-record.js';
export * from './domain/identity.js';
export type { Page, PageRequest } from './domain/page.js';
export * from './key.service.js';
export * from './secret-hasher.js';
