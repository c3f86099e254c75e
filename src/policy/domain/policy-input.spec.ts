import { AppError } from '../../platform/errors/index.js';
import type { Tier } from '../../wallet/index.js';
import { checkedPolicyFields, type PolicyPatch } from './policy-input.js';

function refusalOf(input: PolicyPatch): AppError {
  try {
    checkedPolicyFields(input);
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the input was taken');
}

describe('checkedPolicyFields', () => {
  it('trims and removes duplicates, and orders tiers', () => {
    const checked = checkedPolicyFields({
      name: ' office ',
      allowedTiers: ['premium', 'economy', 'premium'],
      ipAllowlist: [' 10.0.0.0/8', '10.0.0.0/8'],
      ipBlocklist: ['::1'],
      modelBlacklist: ['*-preview', '*-preview '],
    });
    expect(checked).toEqual({
      name: 'office',
      allowedTiers: ['economy', 'premium'],
      ipAllowlist: ['10.0.0.0/8'],
      ipBlocklist: ['::1'],
      modelBlacklist: ['*-preview'],
    });
  });

  it('leaves out what is absent', () => {
    expect(checkedPolicyFields({ name: 'x', ipAllowlist: undefined })).toEqual({ name: 'x' });
  });

  it.each([
    ['name', { name: '  ' }, '1 to 200'],
    ['name', { name: 'x'.repeat(201) }, '1 to 200'],
    ['allowed_tiers', { allowedTiers: ['gold' as Tier] }, '"gold"'],
    ['ip_allowlist', { ipAllowlist: ['10.0.0.0/8', '10.0.0.0/40'] }, '"10.0.0.0/40"'],
    ['ip_blocklist', { ipBlocklist: ['office'] }, '"office"'],
    ['ip_blocklist', { ipBlocklist: Array.from({ length: 10_001 }, (_, index) => `10.0.0.${index}`) }, 'at most'],
    ['model_blacklist', { modelBlacklist: [''] }, '1 to 200'],
    ['model_blacklist', { modelBlacklist: ['x'.repeat(201)] }, '1 to 200'],
    ['model_blacklist', { modelBlacklist: Array.from({ length: 1_001 }, (_, index) => `m${index}`) }, 'at most'],
  ] satisfies [string, PolicyPatch, string][])('names the field %s of %#', (param, input, text) => {
    const refusal = refusalOf(input);
    expect(refusal).toMatchObject({ kind: 'unprocessable', code: 'invalid_field', param });
    expect(refusal.message).toContain(text);
  });
});
