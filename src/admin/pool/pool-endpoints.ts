import { Injectable } from '@nestjs/common';
import { EndpointsController } from '../models/endpoints.controller.js';
import type { EndpointView } from '../models/endpoints.schema.js';
import type { ModelView } from '../models/models.schema.js';
import type { ProviderView } from '../providers/providers.schema.js';
import { fieldChanges, newFields, onlyChanged } from './differences.js';
import type { EndpointEntry, ModelEntry, PriceEntry } from './pool-file.schema.js';
import type { Path } from './pool-places.js';
import type { PoolRun } from './pool-run.js';

/** What endpoints are made of beside themselves. */
export interface EndpointContext {
  providers: ReadonlyMap<string, ProviderView>;
  /** What they cost where they do not say it themselves. */
  price: PriceEntry | null;
}

/** Endpoints as a pool file declares them. */
@Injectable()
export class PoolEndpoints {
  constructor(private readonly operations: EndpointsController) {}

  /** @returns whether the model can be called anywhere afterwards. */
  async apply(
    run: PoolRun,
    path: Path,
    model: ModelEntry,
    view: ModelView,
    context: EndpointContext,
  ): Promise<boolean> {
    const { data: known } = await this.operations.list(view.id);
    const after = new Map(known.map((endpoint) => [endpoint.id, endpoint]));
    const declared = new Set<string>();
    for (const [at, entry] of (model.endpoints ?? []).entries()) {
      const place = [...path, 'endpoints', at];
      const provider = this.providerOf(run, place, entry, context);
      if (provider === null) continue;
      const same = known.find((one) => one.provider_id === provider.id && one.upstream_model === entry.upstream_model);
      const endpoint = await this.endpoint(run, place, { entry, view, provider, price: context.price }, same);
      if (endpoint === null) continue;
      declared.add(endpoint.id);
      after.set(endpoint.id, endpoint);
    }
    for (const endpoint of run.options.prune ? known : []) {
      if (!endpoint.enabled || declared.has(endpoint.id)) continue;
      const disabled = await this.disable(run, view, endpoint);
      if (disabled !== null) after.set(disabled.id, disabled);
    }
    return [...after.values()].some(({ enabled }) => enabled);
  }

  private providerOf(
    run: PoolRun,
    path: Path,
    { provider: name }: EndpointEntry,
    { providers }: EndpointContext,
  ): ProviderView | null {
    const found = providers.get(name) ?? null;
    const isDeclared = run.pool.file.providers?.some((one) => one.name === name) === true;
    // One that is declared and not there has been refused, and said so.
    if (found === null && !isDeclared) run.refuse([...path, 'provider'], `there is no provider ${name}`);
    return found;
  }

  private endpoint(
    run: PoolRun,
    path: Path,
    {
      entry,
      view,
      provider,
      price,
    }: { entry: EndpointEntry; view: ModelView; provider: ProviderView; price: PriceEntry | null },
    known: EndpointView | undefined,
  ): Promise<EndpointView | null> {
    const { provider: _name, enabled, ...own } = entry;
    const cost = price === null ? {} : { input_usd_mtok: price.input_usd_mtok, output_usd_mtok: price.output_usd_mtok };
    const body = { ...cost, ...own };
    const name = nameOf(view, provider.name, entry.upstream_model);
    if (known === undefined) {
      const all = { ...body, enabled };
      const change = { action: 'create', resource: 'endpoint', name, fields: newFields(all) } as const;
      return run.make(path, change, () => this.operations.create(view.id, { ...all, provider_id: provider.id }));
    }
    // The view calls an endpoint of a disabled provider disabled, whatever it is itself.
    const wanted = provider.enabled ? { ...body, enabled } : body;
    const fields = fieldChanges(wanted, known);
    if (fields.length === 0) return Promise.resolve(known);
    const change = { action: 'change', resource: 'endpoint', name, fields } as const;
    return run.make(path, change, () => this.operations.patch(view.id, known.id, onlyChanged(wanted, fields)));
  }

  private disable(run: PoolRun, view: ModelView, endpoint: EndpointView): Promise<EndpointView | null> {
    const name = nameOf(view, endpoint.provider, endpoint.upstream_model);
    const change = { action: 'disable', resource: 'endpoint', name, fields: [] } as const;
    return run.make([], change, () => this.operations.patch(view.id, endpoint.id, { enabled: false }));
  }
}

function nameOf({ model_key: key }: ModelView, provider: string, upstreamModel: string): string {
  return `${key} at ${provider}/${upstreamModel}`;
}
