export type { Percentiles } from './domain/latency.js';
export { GROUPINGS, type Grouping, type SummaryRequest, type UsageGroup, type UsageSummary } from './domain/summary.js';
export * from './analytics.module.js';
export * from './usage-summary.service.js';
