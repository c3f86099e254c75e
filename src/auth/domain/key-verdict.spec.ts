import type { AuthenticatedKey } from './identity.js';
import { effectiveStatus, problemOf, type KeyEntry } from './key-verdict.js';

const NOW_MS = Date.parse('2026-03-01T12:00:00Z');

const key: AuthenticatedKey = {
  id: '0195e5a0-0000-7000-8000-000000000001',
  name: 'prod',
  ownerAccountId: '0195e5a0-0000-7000-8000-000000000002',
  billingAccountId: '0195e5a0-0000-7000-8000-000000000003',
  billingAccountKind: 'organization',
  status: 'ACTIVE',
  tier: null,
  fixedModel: null,
  policyId: null,
  accountPolicyIds: [],
  limitDailyMicros: null,
  limitWeeklyMicros: null,
  limitRpm: null,
  limitConcurrency: null,
  expiresAt: null,
};

const good: KeyEntry = { key, ownerStatus: 'active', billingStatus: 'active', ownerMayBill: true };

describe('problemOf', () => {
  it('lets an active key of active accounts pass', () => {
    expect(problemOf(good, null, NOW_MS)).toBeNull();
  });

  it.each([
    ['disabled', { ...good, key: { ...key, status: 'DISABLED' } }],
    ['revoked', { ...good, key: { ...key, status: 'REVOKED' } }],
    ['expired', { ...good, key: { ...key, status: 'EXPIRED' } }],
    ['owner_suspended', { ...good, ownerStatus: 'suspended' }],
    ['owner_closed', { ...good, ownerStatus: 'closed' }],
    ['billing_suspended', { ...good, billingStatus: 'suspended' }],
    ['billing_closed', { ...good, billingStatus: 'closed' }],
    ['owner_not_member', { ...good, ownerMayBill: false }],
  ] satisfies [string, KeyEntry][])('names the problem %s', (problem, entry) => {
    expect(problemOf(entry, null, NOW_MS)).toBe(problem);
  });

  it('refuses a key from the very millisecond at which it expires', () => {
    const expiring = (ms: number): KeyEntry => ({ ...good, key: { ...key, expiresAt: new Date(ms) } });
    expect(problemOf(expiring(NOW_MS + 1), null, NOW_MS)).toBeNull();
    expect(problemOf(expiring(NOW_MS), null, NOW_MS)).toBe('expired');
  });

  it('refuses a rotated secret when its grace time is over, and not the key itself', () => {
    expect(problemOf(good, NOW_MS + 1, NOW_MS)).toBeNull();
    expect(problemOf(good, NOW_MS, NOW_MS)).toBe('rotated_out');
  });

  it('does not call a disabled key expired', () => {
    expect(effectiveStatus({ status: 'DISABLED', expiresAt: new Date(NOW_MS - 1) }, NOW_MS)).toBe('DISABLED');
  });
});
