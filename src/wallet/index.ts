export * from './domain/tier.js';
export * from './domain/freeze.js';
export * from './domain/wallet.js';
export * from './wallet.service.js';
export * from './settlement-desk.js';
export * from './wallet.module.js';
export type { SealBreak, SealFault, SealReport } from './domain/seal-report.js';
export * from './seal.module.js';
export * from './seal.service.js';
