export type { Percentiles } from './domain/latency.js';
export { GROUPINGS, type Grouping, type SummaryRequest, type UsageGroup, type UsageSummary } from './domain/summary.js';
export * from './analytics.module.js';
export {
  balanceOf,
  creditsOf,
  type Balance,
  type ChargeLine,
  type ChargeSection,
  type ChargeSums,
  type CreditSection,
  type Statement,
  type StatementMonth,
  type WalletStatement,
} from './domain/statement.js';
export type { RollupDifference } from './persistence/rollup-audit.repository.js';
export * from './rollup-audit.js';
export * from './statement.service.js';
export * from './usage-summary.service.js';
