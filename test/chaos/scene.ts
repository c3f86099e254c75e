import type { ModelOptions, World } from '../support/world.js';
import { Random } from './random.js';

/** What the models of a run do, faults and all. The first ones come more often. */
const MODELS: readonly ModelOptions[] = [
  { behaviours: ['ok-n20-p10'] },
  { behaviours: ['slow-tokens-d5-n40-p10'] },
  { behaviours: ['slow-headers-d60-n15-p10'] },
  { behaviours: ['usage-absent-n20'] },
  { behaviours: ['slow-tokens-d10-n30-p10'], provider: { hangup_billing: 'drain' } },
  { behaviours: ['slow-tokens-d10-n30-p10'], provider: { hangup_billing: 'free' } },
  { behaviours: ['status-500', 'ok-n20-p10'] },
  { behaviours: ['cut-a5-n20', 'ok-n20'] },
  { behaviours: ['usage-twice-n12-p10'] },
  { behaviours: ['cached-tokens'] },
  { behaviours: ['ok-n2600-p10'] },
  { behaviours: ['cut-a5-n20'] },
  { behaviours: ['eof-a4-n20'] },
  { behaviours: ['stall-a3-n20'] },
  { behaviours: ['error-in-stream-a5'] },
  { behaviours: ['usage-zero-n12'] },
  { behaviours: ['status-429'] },
  { behaviours: ['reset'] },
];
const FAVOURED_MODELS = 5;
const FAVOURED_SHARE = 0.6;

/** Wallets of the accounts, credits: rich ones, and poor ones that run dry and are topped up again. */
const RICH_CREDITS = '100000';
const POOR_CREDITS = '0.5';
/** What a poor account gets each time, credits. */
export const TOP_UP_CREDITS = '0.3';
const LEAVING_SHARE = 0.12;
const TOP_UP_SHARE = 0.02;

/** An account with a key; a poor one is topped up during the run. */
export interface Payer {
  key: string;
  accountId: string;
  isPoor: boolean;
}

/** What one caller does: decided by the seed and the number of the request alone. */
export interface CallPlan {
  model: string;
  payer: Payer;
  stream: boolean;
  maxTokens: number;
  /** Hangs up after so long; `null` reads to the end. */
  leavesAfterMs: number | null;
  /** Which gateway to ask first. */
  gateway: number;
  /** Tops the payer up before it calls. */
  topsUp: boolean;
}

/** Models, accounts and keys of a run. */
export class Scene {
  private constructor(
    private readonly seed: number,
    private readonly models: readonly string[],
    readonly payers: readonly Payer[],
  ) {}

  static async create(world: World, seed: number): Promise<Scene> {
    const models: string[] = [];
    for (const options of MODELS) models.push((await world.model(options)).key);
    const payers: Payer[] = [];
    for (let at = 0; at < 4; at += 1) payers.push(await payerOf(world, RICH_CREDITS, {}));
    for (let at = 0; at < 2; at += 1) payers.push(await payerOf(world, POOR_CREDITS, {}));
    payers.push(await payerOf(world, RICH_CREDITS, { limit_daily: '3' }));
    payers.push(await payerOf(world, RICH_CREDITS, { limit_weekly: '3' }));
    payers.push(await payerOf(world, RICH_CREDITS, { limit_concurrency: 4 }));
    return new Scene(seed, models, payers);
  }

  planOf(request: number): CallPlan {
    const random = new Random(this.seed * 1_000_003 + request);
    const payer = random.pick(this.payers);
    const models = random.chance(FAVOURED_SHARE) ? this.models.slice(0, FAVOURED_MODELS) : this.models;
    return {
      model: random.pick(models),
      payer,
      stream: random.chance(0.7),
      maxTokens: random.chance(0.2) ? 4000 : 60,
      leavesAfterMs: random.chance(LEAVING_SHARE) ? random.between(1, 250) : null,
      gateway: Math.floor(random.between(0, 2)),
      topsUp: payer.isPoor && random.chance(TOP_UP_SHARE * 5),
    };
  }
}

async function payerOf(world: World, standard: string, fields: Record<string, unknown>): Promise<Payer> {
  const { key, accountId } = await world.key({ credits: { standard }, fields });
  return { key, accountId, isPoor: standard === POOR_CREDITS };
}
