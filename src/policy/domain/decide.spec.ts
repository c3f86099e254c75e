import type { AuthenticatedKey } from '../../auth/index.js';
import { AppError } from '../../platform/errors/index.js';
import type { Tier } from '../../wallet/index.js';
import { compilePolicy } from './compiled-policy.js';
import { decide } from './decide.js';
import type { Policy, PolicyDecision, PolicyRequest } from './policy.js';

const SMALL = { id: '0195e5a0-0000-7000-8000-00000000000a', modelKey: 'acme/small', tier: 'standard' as Tier };
const BIG = { id: '0195e5a0-0000-7000-8000-00000000000b', modelKey: 'acme/big', tier: 'premium' as Tier };
const POOL = [SMALL, BIG];

const KEY: AuthenticatedKey = {
  id: '0195e5a0-0000-7000-8000-000000000001',
  name: 'prod',
  ownerAccountId: '0195e5a0-0000-7000-8000-000000000002',
  billingAccountId: '0195e5a0-0000-7000-8000-000000000002',
  status: 'ACTIVE',
  tier: null,
  fixedModel: null,
  policyId: null,
  billingAccountKind: 'personal',
  accountPolicyIds: [],
  limitDailyMicros: null,
  limitWeeklyMicros: null,
  limitRpm: null,
  limitConcurrency: null,
  expiresAt: null,
};

interface Case {
  policy?: Partial<Policy>;
  key?: Partial<AuthenticatedKey>;
  /** Of the accounts of the key. */
  accountPolicies?: readonly Partial<Policy>[];
  ip?: string;
  tier?: string;
  model?: string;
  defaultModel?: string;
}

function decideCase({ policy, accountPolicies, key, ip, tier, model, defaultModel }: Case): PolicyDecision {
  const request: PolicyRequest = {
    key: { ...KEY, policyId: policy === undefined ? null : 'p', ...key },
    clientIp: { address: ip ?? '203.0.113.7', source: 'socket' },
    requestedTier: tier ?? null,
    requestedModel: model ?? null,
    findModel: (name) => POOL.find((candidate) => candidate.modelKey === name || candidate.id === name) ?? null,
  };
  const empty = {
    name: 'p',
    allowedTiers: [],
    ipAllowlist: [],
    ipBlocklist: [],
    modelBlacklist: [],
    routing: { weights: {}, tags: [] },
  };
  const policies = [
    ...(policy === undefined ? [] : [{ ...empty, id: 'p', ...policy }]),
    ...(accountPolicies ?? []).map((fields, at) => ({ ...empty, id: `account-${at}`, ...fields })),
  ];
  return decide(request, policies.map(compilePolicy), defaultModel ?? null);
}

function refusalOf(input: Case): AppError {
  try {
    decideCase(input);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the request was allowed');
}

describe('decide: addresses', () => {
  it.each([
    ['no lists', {}, '203.0.113.7'],
    ['an address on the allowlist', { ipAllowlist: ['203.0.113.0/24'] }, '203.0.113.7'],
    ['an address that the blocklist does not hold', { ipBlocklist: ['198.51.100.0/24'] }, '203.0.113.7'],
    ['an IPv6 address on the allowlist', { ipAllowlist: ['2001:db8::/32'] }, '2001:db8::5'],
    ['an unreadable address without any list', { allowedTiers: ['standard'] }, 'unknown'],
  ] satisfies [string, Partial<Policy>, string][])('lets pass: %s', (_what, policy, ip) => {
    expect(decideCase({ policy, ip }).model).toBe('auto');
  });

  it.each([
    ['ip_not_allowed', 'client ip is not allowed', { ipAllowlist: ['10.0.0.0/8'] }, '203.0.113.7'],
    ['ip_not_allowed', 'client ip is not allowed', { ipAllowlist: ['10.0.0.0/8'] }, '2001:db8::1'],
    ['ip_not_allowed', 'client ip is not allowed', { ipAllowlist: ['0.0.0.0/0', '::/0'] }, 'unknown'],
    ['ip_not_allowed', 'client ip is not allowed', { ipBlocklist: ['10.0.0.1'] }, 'unknown'],
    ['ip_not_allowed', 'client ip is not allowed', { ipBlocklist: ['10.0.0.1'] }, ''],
    ['ip_blocked', 'client ip is blocked', { ipBlocklist: ['203.0.113.7'] }, '203.0.113.7'],
    [
      'ip_blocked',
      'client ip is blocked',
      { ipAllowlist: ['203.0.113.0/24'], ipBlocklist: ['203.0.113.7'] },
      '203.0.113.7',
    ],
  ] satisfies [string, string, Partial<Policy>, string][])('refuses with %s: %s %j %s', (code, message, policy, ip) => {
    expect(refusalOf({ policy, ip })).toMatchObject({ kind: 'policy_rejected', code, message });
  });

  it('tells the operator which rule matched, and the caller nothing of it', () => {
    const refusal = refusalOf({ policy: { ipBlocklist: ['203.0.113.0/28'] } });
    expect(refusal.facts).toMatchObject({ client_ip: '203.0.113.7', matched_rule: 'ip_blocklist: 203.0.113.0/28' });
    expect(`${refusal.message} ${String(refusal.hint)}`).not.toContain('203.0.113');
  });
});

describe('decide: tiers', () => {
  it.each([
    [{}, ['economy', 'standard', 'premium']],
    [{ policy: { allowedTiers: [] } }, ['economy', 'standard', 'premium']],
    [{ policy: { allowedTiers: ['premium', 'economy'] } }, ['economy', 'premium']],
    [{ key: { tier: 'premium' } }, ['premium']],
    [{ tier: 'S' }, ['standard']],
    [{ tier: 'economy', policy: { allowedTiers: ['economy', 'standard'] } }, ['economy']],
    [{ tier: 'P', key: { tier: 'premium' } }, ['premium']],
  ] satisfies [Case, Tier[]][])('%j leaves %j', (input, expected) => {
    expect(decideCase(input).allowedTiers).toEqual(expected);
  });

  it.each([
    { tier: 'gold' },
    { tier: '' },
    { tier: 'Standard' },
    { tier: 'constructor' },
    { tier: 'premium', policy: { allowedTiers: ['economy'] } },
    { tier: 'economy', key: { tier: 'standard' } },
    { policy: { allowedTiers: ['economy'] }, key: { tier: 'standard' } },
  ] satisfies Case[])('%j is refused with the exact message', (input) => {
    expect(refusalOf(input)).toMatchObject({
      kind: 'policy_rejected',
      code: 'tier_not_allowed',
      message: 'requested tier is not allowed',
      param: 'tier',
    });
  });
});

describe('decide: model', () => {
  it.each([
    [{}, 'auto', false],
    [{ model: 'auto' }, 'auto', false],
    [{ model: 'acme/small' }, 'acme/small', true],
    [{ defaultModel: 'acme/small' }, 'acme/small', true],
    [{ model: 'auto', defaultModel: 'acme/small' }, 'auto', false],
    [{ key: { fixedModel: 'acme/small' } }, 'acme/small', true],
    [{ model: 'auto', key: { fixedModel: 'acme/small' }, defaultModel: 'acme/big' }, 'acme/small', true],
    [{ model: 'acme/small', key: { fixedModel: 'acme/small' } }, 'acme/small', true],
    [{ model: SMALL.id, key: { fixedModel: 'acme/small' } }, 'acme/small', true],
    [{ model: 'acme/small', key: { fixedModel: SMALL.id } }, SMALL.id, true],
    [{ model: 'nobody/knows' }, 'nobody/knows', true],
  ] satisfies [Case, string, boolean][])('%j goes on with %s', (input, model, concrete) => {
    expect(decideCase(input)).toMatchObject({ model, concrete });
  });

  it.each(['acme/big', 'nobody/knows'])('refuses %s for a key with another fixed model, before routing', (model) => {
    const refusal = refusalOf({ model, key: { fixedModel: 'acme/small' } });
    expect(refusal).toMatchObject({ kind: 'policy_rejected', code: 'fixed_model', param: 'model' });
    expect(`${refusal.message} ${String(refusal.hint)}`).not.toContain('acme/small');
  });

  it.each([
    [{ model: 'acme/small' }, ['acme/small']],
    [{ model: SMALL.id }, ['acme/small']],
    [{ model: 'acme/small' }, [SMALL.id]],
    [{ model: 'acme/small' }, ['*small']],
    [{ key: { fixedModel: 'acme/small' } }, ['acme/*']],
    [{ defaultModel: 'acme/small' }, ['acme/*']],
  ] satisfies [Case, string[]][])('%j is refused under the blacklist %j', (input, modelBlacklist) => {
    const refusal = refusalOf({ ...input, policy: { modelBlacklist } });
    expect(refusal).toMatchObject({ kind: 'policy_rejected', code: 'model_blacklisted', param: 'model' });
    expect(refusal.facts).toMatchObject({ matched_rule: `model_blacklist: ${String(modelBlacklist[0])}` });
  });

  it('hands the blacklist on, for the choice among candidates', () => {
    const { isBlacklisted } = decideCase({ policy: { modelBlacklist: ['*/big'] } });
    expect(POOL.filter(isBlacklisted)).toEqual([BIG]);
    expect(POOL.filter(decideCase({}).isBlacklisted)).toEqual([]);
  });

  it.each([
    { model: 'acme/big', tier: 'standard' },
    { model: 'acme/big', key: { tier: 'standard' } },
    { model: BIG.id, policy: { allowedTiers: ['economy', 'standard'] } },
  ] satisfies Case[])('%j is refused because of the tier of the model', (input) => {
    expect(refusalOf(input)).toMatchObject({ kind: 'policy_rejected', code: 'tier_not_allowed', param: 'model' });
  });

  it('leaves a model that does not exist to the router', () => {
    const input = {
      model: 'nobody/knows',
      policy: { modelBlacklist: ['nobody/*'], allowedTiers: ['economy'] as Tier[] },
    };
    expect(decideCase(input)).toMatchObject({ model: 'nobody/knows', concrete: true });
  });
});

describe('decide: order and facts', () => {
  const everythingWrong: Case = {
    policy: { ipBlocklist: ['203.0.113.7'], allowedTiers: ['economy'], modelBlacklist: ['*'] },
    key: { fixedModel: 'acme/small' },
    tier: 'gold',
    model: 'acme/big',
  };

  it('refuses in the order address, tier, fixed model, blacklist, tier of the model', () => {
    const order: Case[] = [
      everythingWrong,
      { ...everythingWrong, ip: '198.51.100.1' },
      { ...everythingWrong, ip: '198.51.100.1', tier: 'economy' },
      { ...everythingWrong, ip: '198.51.100.1', tier: 'economy', model: 'acme/small' },
      { ...everythingWrong, policy: { allowedTiers: ['economy'] }, tier: 'economy', model: 'acme/small' },
    ];
    expect(order.map((input) => refusalOf(input).code)).toEqual([
      'ip_blocked',
      'tier_not_allowed',
      'fixed_model',
      'model_blacklisted',
      'tier_not_allowed',
    ]);
  });

  it('explains itself the same way every time', () => {
    const input: Case = {
      policy: { ipAllowlist: ['203.0.113.0/24'], allowedTiers: ['standard', 'premium'] },
      tier: 'S',
      model: 'acme/small',
    };
    expect(decideCase(input).facts).toEqual({
      client_ip: '203.0.113.7',
      client_ip_source: 'socket',
      policy_id: 'p',
      ip_rule: 'ip_allowlist: 203.0.113.0/24',
      policy_tiers: ['standard', 'premium'],
      key_tier: null,
      requested_tier: 'S',
      allowed_tiers: ['standard'],
      requested_model: 'acme/small',
      fixed_model: null,
      model: 'acme/small',
      model_tier: 'standard',
    });
    expect(decideCase(input).facts).toEqual(decideCase(input).facts);
  });

  it('keeps no more than 200 characters of what a caller wrote', () => {
    const { facts } = decideCase({ model: 'x'.repeat(5_000) });
    expect(String(facts['requested_model'])).toHaveLength(200);
  });
});

describe('decide: policies of key, owner and payer together', () => {
  it('allows the tiers that all of them allow', () => {
    const policy = { allowedTiers: ['economy', 'standard'] as const };
    const accountPolicies = [{ allowedTiers: ['standard', 'premium'] as const }, {}];
    expect(decideCase({ policy, accountPolicies }).allowedTiers).toEqual(['standard']);
  });

  it('allows no tier when they have none in common', () => {
    const input: Case = { policy: { allowedTiers: ['economy'] }, accountPolicies: [{ allowedTiers: ['premium'] }] };
    expect(refusalOf(input)).toMatchObject({ code: 'tier_not_allowed', message: 'requested tier is not allowed' });
    expect(refusalOf({ ...input, tier: 'economy' }).facts).toMatchObject({
      matched_rule: 'tier: the policies have none in common',
    });
  });

  it('needs the address on every allowlist and on no blocklist', () => {
    const policy = { ipAllowlist: ['10.0.0.0/8'] };
    const accountPolicies = [{ ipAllowlist: ['10.1.0.0/16'] }, { ipBlocklist: ['10.1.2.3'] }];
    expect(decideCase({ policy, accountPolicies, ip: '10.1.0.1' }).allowedTiers).toHaveLength(3);
    expect(refusalOf({ policy, accountPolicies, ip: '10.2.0.1' })).toMatchObject({
      code: 'ip_not_allowed',
      facts: { matched_policy_id: 'account-0' },
    });
    expect(refusalOf({ policy, accountPolicies, ip: '10.1.2.3' })).toMatchObject({
      code: 'ip_blocked',
      facts: { matched_policy_id: 'account-1' },
    });
    expect(refusalOf({ accountPolicies, ip: 'unknown' })).toMatchObject({ code: 'ip_not_allowed' });
  });

  it('refuses a model that any of them blacklists', () => {
    const accountPolicies = [{ modelBlacklist: ['acme/b*'] }, { modelBlacklist: [SMALL.id] }];
    const refusal = refusalOf({ policy: { modelBlacklist: ['other'] }, accountPolicies, model: 'acme/small' });
    expect(refusal).toMatchObject({ code: 'model_blacklisted', facts: { matched_policy_id: 'account-1' } });
    const { isBlacklisted } = decideCase({ accountPolicies });
    expect([SMALL, BIG, { id: 'x', modelKey: 'other' }].map(isBlacklisted)).toEqual([true, true, false]);
  });
});
