import { Injectable } from '@nestjs/common';
import { ModelsController } from '../models/models.controller.js';
import type { ModelView } from '../models/models.schema.js';
import type { ProviderView } from '../providers/providers.schema.js';
import { fieldChanges, newFields, onlyChanged } from './differences.js';
import { everyPage } from './every-page.js';
import { PoolEndpoints } from './pool-endpoints.js';
import type { ModelEntry } from './pool-file.schema.js';
import type { Path } from './pool-places.js';
import { PoolPrices } from './pool-prices.js';
import type { PoolRun } from './pool-run.js';

/** Models as a pool file declares them, with their prices and endpoints. */
@Injectable()
export class PoolModels {
  constructor(
    private readonly operations: ModelsController,
    private readonly prices: PoolPrices,
    private readonly endpoints: PoolEndpoints,
  ) {}

  async apply(run: PoolRun, providers: ReadonlyMap<string, ProviderView>): Promise<void> {
    const declared = run.pool.file.models ?? [];
    const known = new Map((await this.all()).map((view) => [view.model_key, view]));
    await this.prices.load();
    for (const [at, entry] of declared.entries()) {
      await this.model(run, ['models', at], entry, known.get(entry.model_key), providers);
    }
    const keys = new Set(declared.map(({ model_key }) => model_key));
    for (const view of run.options.prune ? known.values() : []) {
      if (view.enabled && !keys.has(view.model_key)) await this.switch(run, [], view, false);
    }
  }

  private all(): Promise<ModelView[]> {
    return everyPage((query) => this.operations.list(query));
  }

  private async model(
    run: PoolRun,
    path: Path,
    entry: ModelEntry,
    known: ModelView | undefined,
    providers: ReadonlyMap<string, ProviderView>,
  ): Promise<void> {
    const view = await this.described(run, path, entry, known);
    if (view === null) return;
    const pricing = await this.prices.apply(run, path, entry, view);
    const isCallable = await this.endpoints.apply(run, path, entry, view, { providers, price: pricing.entry });
    const missing = missingIn(pricing.isPriced, isCallable);
    if (entry.enabled && missing !== null)
      run.note([...path, 'model_key'], `${entry.model_key} stays disabled: ${missing}`);
    const enabled = entry.enabled && missing === null;
    if (view.enabled !== enabled) await this.switch(run, path, view, enabled);
  }

  /** The model with its own fields as the file has them. */
  private async described(
    run: PoolRun,
    path: Path,
    entry: ModelEntry,
    known: ModelView | undefined,
  ): Promise<ModelView | null> {
    const { prices: _prices, endpoints: _endpoints, enabled: _enabled, ...body } = entry;
    const name = body.model_key;
    if (known === undefined) {
      const change = { action: 'create', resource: 'model', name, fields: newFields(body) } as const;
      return run.make(path, change, () => this.operations.create({ ...body, enabled: false }));
    }
    const fields = fieldChanges(body, known);
    if (fields.length === 0) return known;
    const change = { action: 'change', resource: 'model', name, fields } as const;
    return run.make(path, change, () => this.operations.patch(known.id, onlyChanged(body, fields)));
  }

  private async switch(run: PoolRun, path: Path, view: ModelView, enabled: boolean): Promise<void> {
    const fields = enabled ? [{ field: 'enabled', before: false, after: true }] : [];
    const change = { action: enabled ? 'change' : 'disable', resource: 'model', name: view.model_key, fields } as const;
    await run.make(path, change, () => this.operations.patch(view.id, { enabled }));
  }
}

/** Why a model cannot be offered; `null` when it can. */
function missingIn(isPriced: boolean, isCallable: boolean): string | null {
  if (!isPriced) return 'it has no price with a source';
  return isCallable ? null : 'none of its endpoints can be called';
}
