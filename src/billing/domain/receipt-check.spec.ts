import { receiptFaults } from './receipt-check.js';
import { calculationOf, usdStepsOf } from './receipt-arithmetic.js';
import { canonicalJson, receiptBytes, receiptSchema, type Receipt } from './receipt.js';

const ID = '0123456789abcdef0123456789abcdef';
const UUID = '0195f000-0000-7000-8000-000000000001';
const TIME = '2026-03-01T12:00:00.000Z';

const usage = {
  input_tokens: 7,
  output_tokens: 3,
  cached_input_tokens: 1,
  cached_output_tokens: 0,
  source: 'provider' as const,
};
const rates = { input: '0.100000', output: '0.200000', cached_input: '0.050000', cached_output: '0.300000' };

/** 7 × 0.1 + 3 × 0.2 + 1 × 0.05 = 1.35 micro-credits, rounded up to 2; 100 were frozen. */
const GOOD: Receipt = receiptSchema.parse({
  object: 'receipt',
  version: 1,
  id: `rcp_${ID}`,
  request_id: `gwr_${ID}`,
  client_request_id: 'req-1',
  account_id: UUID,
  api_key_id: UUID,
  status: 'settled',
  model: { id: UUID, key: 'acme/small' },
  provider: 'acme',
  tier: 'standard',
  stream: false,
  created_at: TIME,
  price: { id: UUID, version: 4, effective_at: TIME, credits_per_mtok: rates },
  usage,
  calculation: calculationOf(usage, rates),
  usd: usdStepsOf('0.000002', '0.750000'),
  freeze: { amount: '0.000100', extensions: 0, state: 'settled' },
  settlement: {
    disposition: 'charge',
    reason: 'complete',
    credits_used: '0.000002',
    credits_charged: '0.000002',
    shortfall: '0.000000',
    returned: '0.000098',
    corrections: 0,
    settled_at: TIME,
  },
  ledger: [
    row(9, 'freeze', '-0.000100', '0.000100'),
    // Other requests lie between.
    row(12, 'settle', '0.000098', '-0.000100'),
  ],
  issued_at: TIME,
  signature: null,
});

function row(seq: number, kind: string, available: string, frozen: string): object {
  const after = { available_after: '1.000000', frozen_after: '0.000000', created_at: TIME };
  return { id: `standard:${seq.toString()}`, kind, available_delta: available, frozen_delta: frozen, ...after };
}

/** A receipt with one value replaced, e.g. at `settlement.shortfall`. */
function altered(path: string, value: unknown): Receipt {
  const copy = structuredClone(GOOD);
  const names = path.split('.');
  const last = names.pop() ?? '';
  const owner = names.reduce<Record<string, unknown>>((part, name) => part[name] as Record<string, unknown>, copy);
  owner[last] = value;
  return receiptSchema.parse(copy);
}

describe('the arithmetic of a receipt', () => {
  it('comes out the same when nothing was changed', () => {
    expect(GOOD.calculation).toMatchObject({ sum: '1350000', quotient: '1', remainder: '350000', price: '0.000002' });
    // 2 × 0.75 = 1.5 micro-USD, rounded to the nearest, halves up.
    expect(GOOD.usd).toMatchObject({ quotient: '1', remainder: '500000', usd_cost: '0.000002' });
    expect(receiptFaults(GOOD)).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['usage.output_tokens', 4, 'calculation.products'],
    ['price.credits_per_mtok.output', '0.100000', 'calculation.products'],
    ['calculation.products.1.product', '1', 'calculation.products'],
    ['calculation.sum', '1350001', 'calculation.sum'],
    ['calculation.quotient', '2', 'calculation.quotient'],
    ['calculation.remainder', '0', 'calculation.remainder'],
    ['calculation.divisor', '1000', 'calculation.divisor'],
    ['calculation.price', '0.000001', 'calculation.price'],
    ['usd.usd_cost', '0.000001', 'usd.usd_cost'],
    ['usd.product', '1', 'usd.product'],
    ['settlement.credits_used', '0.000003', 'settlement.credits_used is'],
    ['settlement.disposition', 'release', 'settlement.credits_used is'],
    ['settlement.credits_charged', '0.000001', 'do not add up'],
    ['settlement.shortfall', '0.000001', 'do not add up'],
    ['settlement.returned', '0.000099', 'not what the ledger gave back'],
    ['settlement.corrections', 1, 'for each correction'],
    ['status', 'released', 'was charged'],
    ['id', `rcp_${ID.replace('0', '1')}`, 'the id is not'],
    ['freeze.amount', '0.000099', 'not the sum of its ledger rows'],
    ['freeze.extensions', 1, 'one freeze and its extensions'],
    ['ledger.1.frozen_delta', '-0.000099', 'leave credits frozen'],
    ['ledger.1.available_delta', '0.000097', 'do not take what was charged'],
    ['ledger.1.kind', 'release', 'exactly one settle row'],
    ['ledger.1.id', 'standard:8', 'not in their order'],
    ['ledger.1.id', 'premium:13', 'not in their order'],
    ['settlement', null, 'lacks'],
  ])('does not with another %s', (path, value, fault) => {
    expect(receiptFaults(altered(path, value)).join('\n')).toContain(fault);
  });
});

describe('the bytes that are signed', () => {
  it('do not depend on the order of members, and cover every one of them but the signature', () => {
    const shuffled = Object.fromEntries(Object.entries(GOOD).reverse()) as Receipt;
    expect(receiptBytes(shuffled)).toEqual(receiptBytes(GOOD));
    const signed = altered('signature', { algorithm: 'Ed25519', key_id: 'k', value: 'v' });
    expect(receiptBytes(signed)).toEqual(receiptBytes(GOOD));
    expect(receiptBytes(altered('client_request_id', 'req-2'))).not.toEqual(receiptBytes(GOOD));
  });

  it('are canonical JSON', () => {
    expect(canonicalJson({ b: [1, { d: null, c: '€\n' }], a: true, z: undefined })).toBe(
      '{"a":true,"b":[1,{"c":"€\\n","d":null}]}',
    );
  });
});
