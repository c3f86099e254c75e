export * from './domain/policy.js';
export type { PolicyInput, PolicyPatch } from './domain/policy-input.js';
export * from './policy.module.js';
export * from './policy.service.js';
export { checkedPolicyFields } from './domain/policy-input.js';
export { quotaResets } from './domain/quota-window.js';
