import { Injectable } from '@nestjs/common';
import { AppError } from '../platform/errors/index.js';
import { isUuid, requestIdFloor } from '../platform/ids/index.js';
import { micros, ZERO_MICROS, type Micros } from '../platform/money/index.js';
import { PriceService, RouterService, type Price } from '../router/index.js';
import { reRated, type RatedUsage, type ReRateDifference, type ReRateSum } from './domain/re-rate.js';
import { ReRateRepository } from './persistence/re-rate.repository.js';

export interface ReRateRequest {
  /** Requests made at or after this time. */
  from: Date;
  /** Requests made before this time. */
  to: Date;
  /** model_key or model_id; absent: all, or the model of `price`. */
  model?: string | undefined;
  /** A version to price with instead of each record's own: its id or, with `model`, its number. */
  price?: string | undefined;
}

export interface ReRateReport {
  /** The version that everything was priced with; `null`: each record's own. */
  price: Price | null;
  requests: number;
  recordedMicros: Micros;
  reRatedMicros: Micros;
  /** Records that are not what their own version says; 0 under another version, where amounts are meant to differ. */
  differences: number;
  /** By model and version of the records. */
  sums: readonly ReRateSum[];
}

/** Prices recorded usage again: a proof under its own versions, an answer to "what if" under another one. Writes nothing. */
@Injectable()
export class ReRateService {
  constructor(
    private readonly repository: ReRateRepository,
    private readonly router: RouterService,
    private readonly prices: PriceService,
  ) {}

  /**
   * Rates every record of a time range, a page at a time.
   * @param onDifference called for every record that is not what its own price version says.
   * @throws AppError `unprocessable` (`invalid_field`) when the model or the price does not exist.
   */
  async run(request: ReRateRequest, onDifference: (difference: ReRateDifference) => void): Promise<ReRateReport> {
    const price = request.price === undefined ? null : await this.priceNamed(request.price, request.model);
    const sums = new Map<string, ReRateSum>();
    let differences = 0;
    const range = [requestIdFloor(request.from.getTime()), requestIdFloor(request.to.getTime())] as const;
    for await (const page of this.repository.pages(...range, request.model ?? price?.modelId ?? null)) {
      for (const usage of page) {
        const rates = price ?? (await this.router.priceById(usage.priceId));
        const amountMicros = rates === null ? null : reRated(usage, rates);
        add(sums, usage, amountMicros ?? ZERO_MICROS);
        if (price !== null || amountMicros === usage.creditsUsedMicros) continue;
        differences += 1;
        onDifference(differenceOf(usage, amountMicros));
      }
    }
    return { price, ...totalOf(sums.values()), differences, sums: [...sums.values()] };
  }

  private async priceNamed(name: string, model: string | undefined): Promise<Price> {
    const price = isUuid(name) ? await this.router.priceById(name) : await this.versionOf(model, name);
    if (price === null) throw invalid('price', 'there is no such price version');
    return price;
  }

  private async versionOf(name: string | undefined, version: string): Promise<Price | null> {
    if (name === undefined) throw invalid('price', 'a version number needs a model; an id does not');
    const model = this.router.findModel(name);
    if (model === null) throw invalid('model', 'there is no such model');
    return (await this.prices.list(model.id)).find((price) => String(price.version) === version) ?? null;
  }
}

function add(sums: Map<string, ReRateSum>, usage: RatedUsage, amountMicros: Micros): void {
  const { modelKey, priceId, creditsUsedMicros } = usage;
  const name = `${modelKey} ${priceId}`;
  const sum = sums.get(name) ?? {
    modelKey,
    priceId,
    requests: 0,
    recordedMicros: ZERO_MICROS,
    reRatedMicros: ZERO_MICROS,
  };
  sum.requests += 1;
  sum.recordedMicros = micros(sum.recordedMicros + creditsUsedMicros);
  sum.reRatedMicros = micros(sum.reRatedMicros + amountMicros);
  sums.set(name, sum);
}

function totalOf(sums: Iterable<ReRateSum>): Pick<ReRateReport, 'requests' | 'recordedMicros' | 'reRatedMicros'> {
  const total = { requests: 0, recordedMicros: ZERO_MICROS, reRatedMicros: ZERO_MICROS };
  for (const sum of sums) {
    total.requests += sum.requests;
    total.recordedMicros = micros(total.recordedMicros + sum.recordedMicros);
    total.reRatedMicros = micros(total.reRatedMicros + sum.reRatedMicros);
  }
  return total;
}

function differenceOf(usage: RatedUsage, reRatedMicros: Micros | null): ReRateDifference {
  const { accountId, requestId, modelKey, priceId, creditsUsedMicros } = usage;
  return { accountId, requestId, modelKey, priceId, recordedMicros: creditsUsedMicros, reRatedMicros };
}

function invalid(param: string, message: string): AppError {
  return new AppError('unprocessable', `${param}: ${message}`, { code: 'invalid_field', param });
}
