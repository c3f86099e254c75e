import { z } from 'zod';
import { REQUEST_ID_PREFIX } from '../../platform/ids/index.js';

const RECEIPT_ID_PREFIX = 'rcp_';
const RECEIPT_ID = /^(?:rcp_|gwr_)([0-9a-f]{32})$/;

/** Kinds of tokens, disjoint, in the order in which they are added up. */
export const BUCKETS = ['input', 'output', 'cached_input', 'cached_output'] as const;
export type Bucket = (typeof BUCKETS)[number];

/** Six places, e.g. `0.033962`. */
const decimal = z.string().regex(/^-?\d{1,13}\.\d{6}$/);
/** An exact whole number of any size. */
const whole = z.string().regex(/^\d{1,40}$/);
const time = z.iso.datetime();
const rates = z.strictObject({ input: decimal, output: decimal, cached_input: decimal, cached_output: decimal });

const division = { divisor: whole, quotient: whole, remainder: whole } as const;

const calculation = z
  .strictObject({
    products: z.array(
      z.strictObject({ bucket: z.enum(BUCKETS), tokens: z.int().min(0), rate: decimal, product: whole }),
    ),
    sum: whole,
    ...division,
    rounding: z.literal('up'),
    price: decimal,
  })
  .describe(
    'product = tokens × rate in micro-credits; sum of the products ÷ 10⁶, rounded up once, is the price in micro-credits.',
  );

const usd = z
  .strictObject({
    usd_per_credit: decimal,
    product: whole,
    ...division,
    rounding: z.literal('half_up'),
    usd_cost: decimal,
  })
  .describe('product = credits used × rate, both in micro-units; divided by 10⁶ and rounded to the nearest.');

const ledgerRow = z.strictObject({
  id: z.string(),
  kind: z.enum(['freeze', 'extend', 'settle', 'release', 'expire', 'reversal', 'correction']),
  available_delta: decimal,
  frozen_delta: decimal,
  available_after: decimal,
  frozen_after: decimal,
  created_at: time,
});

const settlement = z.strictObject({
  disposition: z
    .enum(['charge', 'release'])
    .nullable()
    .describe('What the outcome asked for; null when there was none.'),
  reason: z.string().nullable(),
  credits_used: decimal.describe('The price when the outcome is charged, else zero.'),
  credits_charged: decimal,
  shortfall: decimal.describe('Part of the price that the wallet could not pay; the platform bears it.'),
  returned: decimal.describe('What came back from the freeze; negative when more than the freeze was taken.'),
  corrections: z.int().min(0),
  settled_at: time,
});

const signature = z.strictObject({ algorithm: z.literal('Ed25519'), key_id: z.string(), value: z.string() });

/** What one request cost and how that came about. While the request is pending there is nothing to sign. */
export const receiptSchema = z
  .strictObject({
    object: z.literal('receipt'),
    version: z.literal(1),
    id: z.string(),
    request_id: z.string(),
    client_request_id: z.string(),
    account_id: z.uuid(),
    api_key_id: z.uuid(),
    status: z.enum(['pending', 'settled', 'released', 'expired', 'failed']),
    message: z.string().optional().describe('Only while pending: why this is not a receipt yet.'),
    model: z.strictObject({ id: z.uuid(), key: z.string() }),
    provider: z.string().nullable(),
    tier: z.string(),
    stream: z.boolean(),
    created_at: time,
    price: z.strictObject({ id: z.uuid(), version: z.int(), effective_at: time, credits_per_mtok: rates }),
    usage: z
      .strictObject({
        input_tokens: z.int().min(0),
        output_tokens: z.int().min(0),
        cached_input_tokens: z.int().min(0),
        cached_output_tokens: z.int().min(0),
        source: z.enum(['provider', 'estimated', 'unavailable']),
      })
      .nullable(),
    calculation: calculation.nullable(),
    usd: usd.nullable(),
    freeze: z.strictObject({ amount: decimal, extensions: z.int().min(0), state: z.string() }),
    settlement: settlement.nullable(),
    ledger: z.array(ledgerRow).describe('Every row of the wallet that this request has caused, in their order.'),
    issued_at: time,
    signature: signature.nullable(),
  })
  .meta({ id: 'Receipt' });

export type Receipt = z.output<typeof receiptSchema>;
export type ReceiptCalculation = NonNullable<Receipt['calculation']>;
export type ReceiptRow = Receipt['ledger'][number];

/** The receipt of a request; needs nothing but its id. */
export function receiptIdOf(requestId: string): string {
  return RECEIPT_ID_PREFIX + requestId.slice(REQUEST_ID_PREFIX.length);
}

/** The request of a receipt id, or of its own id; `null` for anything else. */
export function requestIdOfReceipt(id: string): string | null {
  const hex = RECEIPT_ID.exec(id)?.[1];
  return hex === undefined ? null : REQUEST_ID_PREFIX + hex;
}

/**
 * The bytes that a receipt's signature is over: a line that says what is signed, then the receipt without its signature as
 * canonical JSON (RFC 8785).
 */
export function receiptBytes(receipt: Receipt): Buffer {
  const { signature: _signature, ...signed } = receipt;
  return Buffer.from(`joytoken-receipt-v1\n${canonicalJson(signed)}`);
}

/** RFC 8785: no blanks, members sorted by their names. Numbers must be safe integers, which receipts keep to. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  members.sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`).join(',')}}`;
}
