/** Wallet tiers, cheapest first. A wallet, a model and a price belong to exactly one. */
export const TIERS = ['economy', 'standard', 'premium'] as const;
export type Tier = (typeof TIERS)[number];

const TIER_BY_NAME: Readonly<Record<string, Tier>> = {
  economy: 'economy',
  standard: 'standard',
  premium: 'premium',
  E: 'economy',
  S: 'standard',
  P: 'premium',
};

/** Reads `economy`, `standard`, `premium` or `E`, `S`, `P`; `null` for anything else. */
export function parseTier(text: string): Tier | null {
  return Object.hasOwn(TIER_BY_NAME, text) ? (TIER_BY_NAME[text] ?? null) : null;
}
