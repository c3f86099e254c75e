import type { UsdMicros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';

/** What a credit of one tier costs. Versions are immutable; the highest one is in force. */
export interface TierRate {
  tier: Tier;
  version: number;
  name: string;
  description: string;
  /** Micro-USD for one whole credit (10⁶ micro-credits). */
  usdPerCredit: UsdMicros;
  sortOrder: number;
  createdAt: Date;
}
