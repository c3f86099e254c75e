import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CONFIG, type Config } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import type { UsdMicros } from '../platform/money/index.js';
import { ProviderService, type Endpoint } from '../provider/index.js';
import type { Tier } from '../wallet/index.js';
import { AutoRouter } from './auto-router.js';
import type { ScoredModel } from './domain/auto.js';
import { lastingObstacleTo } from './domain/candidates.js';
import { orderEndpoints, type PooledEndpoint } from './domain/endpoint-order.js';
import { hashText } from './domain/hash.js';
import type { Model, Price, Route, RouteRequest } from './domain/model.js';
import { isAutoModel } from './domain/knob.js';
import type { Catalog, Pool } from './domain/pool.js';
import { PoolReader } from './persistence/pool.reader.js';
import { PoolKeeper } from './pool-keeper.js';
import * as errors from './router.errors.js';

const PRICES_KEPT = 10_000;
const RESCUE_MODELS_MAX = 3;

/** The façade for everything that happens to a request: which model, at which price, through which endpoints. */
@Injectable()
export class RouterService {
  private readonly prices = new LRUCache<string, Price>({ max: PRICES_KEPT });

  constructor(
    private readonly keeper: PoolKeeper,
    private readonly reader: PoolReader,
    @Inject(CONFIG) private readonly config: Config,
    private readonly providers: ProviderService,
    private readonly autos: AutoRouter,
  ) {}

  /**
   * Chooses the model and its endpoints from memory.
   * @throws AppError `invalid_request` for an unknown way of choosing; `model_not_found`, `policy_rejected`, `unavailable` for a concrete model; `routing` (no candidate, no
   * pool, or a fault in here) and `unavailable` (all breakers open) for `auto`.
   */
  route(request: RouteRequest): Route {
    const startedMs = performance.now();
    try {
      const pool = this.keeper.current();
      const route = isAutoModel(request.requestedModel) ? this.auto(pool, request) : this.concrete(pool, request);
      return { ...route, routingMs: Math.round((performance.now() - startedMs) * 1000) / 1000 };
    } catch (error) {
      throw error instanceof AppError ? error : errors.routerFailed(error);
    }
  }

  /** A model by model_key or id, also a disabled one. */
  findModel(nameOrId: string): Model | null {
    return this.keeper.current().find(nameOrId)?.model ?? null;
  }

  /** Any price version of any model, kept in memory: prices never change. `null` when there is none. */
  async priceById(id: string): Promise<Price | null> {
    const kept = this.keeper.current().currentPrice(id) ?? this.prices.get(id) ?? null;
    if (kept !== null) return kept;
    const price = await this.reader.price(id);
    if (price !== null) this.prices.set(id, price);
    return price;
  }

  /**
   * Enabled models and rates in force: the same object until something changes.
   * @throws AppError `routing` before the pool was loaded.
   */
  catalog(): Catalog {
    return this.keeper.current().catalog();
  }

  /** Whether `auto` has a model to choose from, for a plain request and while endpoints are healthy. */
  hasCandidate(request: Pick<RouteRequest, 'allowedTiers' | 'isBlacklisted'>): boolean {
    const pool = this.keeper.current();
    return request.allowedTiers.some((tier) =>
      pool.enabledIn(tier).some((pooled) => lastingObstacleTo(pooled, pool, request) === null),
    );
  }

  /** Micro-USD for one credit of a tier. */
  usdPerCredit(tier: Tier): UsdMicros {
    return this.keeper.current().usdPerCredit(tier);
  }

  private auto(pool: Pool, request: RouteRequest): Route {
    const { pick, decision } = this.autos.choose(pool, request);
    const { pooled, price } = pick.chosen;
    return {
      requestedModel: request.requestedModel,
      model: pooled.model,
      price,
      endpoints: this.ordered(pooled.endpoints, request),
      rescueModels: this.rescuersOf(pick.chosen, pick.others, request),
      reason: pick.reason,
      candidates: pick.candidates,
      decision,
      routingMs: 0,
    };
  }

  private concrete(pool: Pool, request: RouteRequest): Route {
    const name = request.requestedModel;
    const pooled = pool.find(name);
    if (pooled === null) throw errors.modelNotFound(name, 'missing');
    if (!pooled.model.enabled || pooled.model.price === null) throw errors.modelNotFound(name, 'disabled');
    const { model } = pooled;
    if (!request.allowedTiers.includes(model.tier)) throw errors.tierNotAllowed();
    if (request.isBlacklisted(model)) throw errors.modelBlacklisted();
    const endpoints = this.ordered(pooled.endpoints, request);
    if (endpoints.length === 0) {
      const lost = pooled.endpoints.length === 0 ? 'no enabled endpoint' : 'no healthy endpoint: all breakers open';
      const candidate = { modelKey: model.modelKey, tier: model.tier, score: null, lost };
      throw errors.noHealthyEndpoint(name, candidate, this.readyInMs(pooled.endpoints, request));
    }
    return {
      requestedModel: name,
      model,
      price: pooled.model.price,
      endpoints,
      rescueModels: [],
      reason: 'the request names this model',
      candidates: [{ modelKey: model.modelKey, tier: model.tier, score: null, lost: null }],
      decision: null,
      routingMs: 0,
    };
  }

  private ordered(pooled: readonly PooledEndpoint[], { sessionKey, callerId }: RouteRequest): readonly Endpoint[] {
    return orderEndpoints(pooled, hashText(sessionKey), (id) => this.providers.endpointHealth(id, callerId));
  }

  /** Until the first of these endpoints may be called; `null` when there are none. */
  private readyInMs(pooled: readonly PooledEndpoint[], { callerId }: RouteRequest): number | null {
    if (pooled.length === 0) return null;
    return Math.min(...pooled.map(({ endpoint }) => this.providers.readiness(endpoint.id, callerId).inMs));
  }

  /** Who may continue a broken stream: the next candidates of the same tier whose every rate is no higher. */
  private rescuersOf(
    chosen: ScoredModel,
    others: readonly ScoredModel[],
    request: RouteRequest,
  ): Route['rescueModels'] {
    if (this.config.STREAM_RESCUE !== 'any') return [];
    return others
      .filter(({ pooled, price }) => pooled.model.tier === chosen.pooled.model.tier && costsNoMore(price, chosen.price))
      .slice(0, RESCUE_MODELS_MAX)
      .map(({ pooled }) => ({
        model: pooled.model,
        endpoints: this.ordered(pooled.endpoints, request),
      }));
  }
}

function costsNoMore(price: Price, limit: Price): boolean {
  return (
    price.inputPerMtok <= limit.inputPerMtok &&
    price.outputPerMtok <= limit.outputPerMtok &&
    price.cacheReadPerMtok <= limit.cacheReadPerMtok &&
    price.cacheWritePerMtok <= limit.cacheWritePerMtok
  );
}
