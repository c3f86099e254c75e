import { Injectable } from '@nestjs/common';
import { formatDecimal, MICROS_PER_UNIT, parseDecimal, type UsdMicros } from '../../platform/money/index.js';
import { TierRateService } from '../../router/index.js';
import type { Tier } from '../../wallet/index.js';
import type { ModelView } from '../models/models.schema.js';
import { PricesController } from '../models/prices.controller.js';
import type { PriceView } from '../models/prices.schema.js';
import { fieldChanges } from './differences.js';
import type { ModelEntry, PriceEntry } from './pool-file.schema.js';
import type { Path } from './pool-places.js';
import { customerRates, MARKUP_PERCENT_DEFAULT, type CustomerRates } from './pool-pricing.js';
import type { PoolRun } from './pool-run.js';

/** A change by more than this is more often a slip (a price for a thousand tokens) than a decision. */
const JUMP_FACTOR_MAX = 10n;

type Rates = Record<keyof CustomerRates, string | null>;

interface Declared {
  entry: PriceEntry;
  path: Path;
  /** `null` for what has always been in force. */
  fromMs: number | null;
}

export interface Pricing {
  /** The declared price that is in force now. */
  entry: PriceEntry | null;
  /** A price is in force that may be asked for. */
  isPriced: boolean;
}

/** Prices as a pool file declares them: a timeline, of which each change is a new version. */
@Injectable()
export class PoolPrices {
  private usdPerCredit = new Map<Tier, UsdMicros>();

  constructor(
    private readonly operations: PricesController,
    private readonly tiers: TierRateService,
  ) {}

  /** Reads what a credit costs in each tier. */
  async load(): Promise<void> {
    this.usdPerCredit = new Map((await this.tiers.list()).map(({ tier, usdPerCredit }) => [tier, usdPerCredit]));
  }

  async apply(run: PoolRun, modelPath: Path, model: ModelEntry, view: ModelView): Promise<Pricing> {
    const timeline = timelineOf(model, modelPath);
    const inForce = timeline.filter(({ fromMs }) => fromMs === null || fromMs <= run.nowMs).at(-1) ?? null;
    const toCome = timeline.filter(({ fromMs }) => fromMs !== null && fromMs > run.nowMs);
    const hasSource = inForce === null || inForce.entry.source !== undefined;
    if (inForce !== null && !hasSource) run.note(inForce.path, 'a price without a source is not taken');
    if (inForce !== null && hasSource) await this.now(run, inForce, view);
    if (toCome.length > 0 || (run.options.prune && timeline.length > 0)) await this.later(run, toCome, view);
    const isPriced = hasSource && (inForce !== null || view.price_version !== null);
    return { entry: hasSource ? (inForce?.entry ?? null) : null, isPriced };
  }

  private async now(run: PoolRun, declared: Declared, view: ModelView): Promise<void> {
    const rates = this.rates(run, declared, view.tier);
    if (rates === null) return;
    this.refuseJump(run, declared, view, rates);
    await this.add(run, declared, view, rates, view);
  }

  /** Versions that come into force by themselves. */
  private async later(run: PoolRun, toCome: readonly Declared[], view: ModelView): Promise<void> {
    const { data: versions } = await this.operations.list(view.id);
    for (const declared of toCome) {
      if (declared.entry.source === undefined) {
        run.note(declared.path, 'a price without a source is not taken');
        continue;
      }
      const rates = this.rates(run, declared, view.tier);
      if (rates === null) continue;
      const before = versionAt(versions, declared.fromMs ?? 0);
      const added = await this.add(run, declared, view, rates, before ?? view);
      if (added !== null) versions.unshift(added);
    }
    if (!run.options.prune) return;
    const times = new Set(toCome.map(({ fromMs }) => fromMs));
    for (const version of versions) {
      const fromMs = Date.parse(version.effective_at);
      if (fromMs > run.nowMs && !times.has(fromMs)) await this.cancel(run, version, view);
    }
  }

  /** @returns the new version; `null` when the rates are those of the version before. */
  private async add(
    run: PoolRun,
    { entry, path, fromMs }: Declared,
    view: ModelView,
    rates: CustomerRates,
    before: Rates,
  ): Promise<PriceView | null> {
    const fields = fieldChanges({ ...rates }, before);
    if (fields.length === 0) return null;
    const isLater = fromMs !== null && fromMs > run.nowMs;
    const name = isLater ? `${view.model_key} from ${new Date(fromMs).toISOString()}` : view.model_key;
    const change = { action: 'create', resource: 'price', name, fields } as const;
    const body = { ...rates, ...(isLater ? { effective_at: new Date(fromMs) } : {}) };
    const { source, as_of } = entry;
    return run.make(path, change, () => this.operations.create(view.id, body), { source, as_of });
  }

  private async cancel(run: PoolRun, version: PriceView, view: ModelView): Promise<void> {
    const name = `${view.model_key} from ${version.effective_at}`;
    const change = { action: 'cancel', resource: 'price', name, fields: [] } as const;
    await run.make([], change, () => this.operations.remove(view.id, version.id));
  }

  private rates(run: PoolRun, { entry, path }: Declared, tier: Tier): CustomerRates | null {
    const usdPerCredit = this.usdPerCredit.get(tier);
    if (usdPerCredit === undefined) {
      run.refuse(path, `the tier ${tier} has no rate`);
      return null;
    }
    const rates = customerRates(entry, usdPerCredit, run.pool.file.markup_percent ?? MARKUP_PERCENT_DEFAULT);
    for (const direction of ['input', 'output'] as const) {
      const chargedUsd = (rates[`customer_${direction}_mtok`] * usdPerCredit) / MICROS_PER_UNIT;
      if (chargedUsd >= entry[`${direction}_usd_mtok`]) continue;
      run.note(
        [...path, `customer_${direction}_mtok`],
        `customers pay ${formatDecimal(chargedUsd)} USD, less than it costs`,
      );
    }
    return rates;
  }

  private refuseJump(run: PoolRun, { path }: Declared, view: ModelView, rates: CustomerRates): void {
    if (run.options.allowPriceJumps) return;
    for (const direction of ['input', 'output'] as const) {
      const field = `customer_${direction}_mtok` as const;
      const [before, after] = [parseDecimal(view[field] ?? '0') ?? 0n, rates[field]];
      const isJump = after > before * JUMP_FACTOR_MAX || before > after * JUMP_FACTOR_MAX;
      if (before === 0n || !isJump) continue;
      const said = `${formatDecimal(before)} to ${formatDecimal(after)} credits`;
      run.refuse(
        [...path, `${direction}_usd_mtok`],
        `goes from ${said}; --allow-price-jumps takes more than a factor of ten`,
      );
    }
  }
}

function timelineOf({ prices }: ModelEntry, modelPath: Path): Declared[] {
  return (prices ?? [])
    .map((entry, at) => ({
      entry,
      path: [...modelPath, 'prices', at],
      fromMs: entry.effective_at?.getTime() ?? null,
    }))
    .sort((one, other) => (one.fromMs ?? 0) - (other.fromMs ?? 0));
}

/** The version that will be in force at a time. */
function versionAt(versions: readonly PriceView[], timeMs: number): PriceView | null {
  const started = versions.filter(({ effective_at }) => Date.parse(effective_at) <= timeMs);
  return started.reduce<PriceView | null>((latest, one) => {
    if (latest === null) return one;
    const [a, b] = [Date.parse(latest.effective_at), Date.parse(one.effective_at)];
    return b > a || (b === a && one.version > latest.version) ? one : latest;
  }, null);
}
