import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { canonicalBaseUrl, ProviderAdmin } from '../../provider/index.js';
import { vendorsOf } from '../seed/vendors.js';
import { ProvidersController } from '../providers/providers.controller.js';
import type { CreateProvider, ProviderView } from '../providers/providers.schema.js';
import { fieldChanges, newFields, onlyChanged, type FieldChange } from './differences.js';
import { everyPage } from './every-page.js';
import { missingKeys, secretName } from './pool-file.js';
import type { ProviderEntry } from './pool-file.schema.js';
import type { Path } from './pool-places.js';
import type { PoolRun } from './pool-run.js';

/** Providers as a pool file declares them. */
@Injectable()
export class PoolProviders {
  constructor(
    private readonly operations: ProvidersController,
    private readonly providers: ProviderAdmin,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @returns every provider there is afterwards, by name. */
  async apply(run: PoolRun): Promise<ReadonlyMap<string, ProviderView>> {
    const known = new Map((await this.all()).map((view) => [view.name, view]));
    const declared = run.pool.file.providers ?? [];
    for (const [at, entry] of declared.entries()) {
      const view = await this.provider(run, ['providers', at], entry, known.get(entry.name));
      if (view !== null) known.set(view.name, view);
    }
    if (!declared.some(({ name }) => known.get(name)?.has_api_key === true)) run.missingKeys = missingKeys(run.pool);
    const names = new Set(declared.map(({ name }) => name));
    for (const view of run.options.prune ? known.values() : []) {
      if (view.enabled && !names.has(view.name)) known.set(view.name, await this.disable(run, view));
    }
    return known;
  }

  private all(): Promise<ProviderView[]> {
    return everyPage((query) => this.operations.list(query));
  }

  private async provider(
    run: PoolRun,
    path: Path,
    entry: ProviderEntry,
    known: ProviderView | undefined,
  ): Promise<ProviderView | null> {
    const { api_key: reference, enabled, ...fields } = entry;
    const name = secretName(reference);
    const secret = name === null ? undefined : run.pool.secrets.get(name);
    const hasKey = secret !== undefined || known?.has_api_key === true;
    if (enabled === 'if_key' && !hasKey) run.note(path, `${name ?? 'no key'} is not set: the provider stays disabled`);
    const body = {
      ...fields,
      base_url: canonicalBaseUrl(fields.base_url) ?? fields.base_url,
      enabled: enabled === 'if_key' ? hasKey : enabled,
    };
    this.noteNextStart(run, path, body);
    if (known === undefined) return this.create(run, path, body, secret, reference);
    const changes: FieldChange[] = fieldChanges(body, known);
    const isNewKey = secret !== undefined && !(await this.providers.holdsKey(known.id, secret));
    if (isNewKey) changes.push({ field: 'api_key', before: null, after: reference });
    if (changes.length === 0) return known;
    // A key goes along with an address that moves: the administration demands it.
    const key = isNewKey || (secret !== undefined && body.base_url !== known.base_url) ? { api_key: secret } : {};
    const patch = { ...onlyChanged(body, changes), ...key };
    const change = { action: 'change', resource: 'provider', name: entry.name, fields: changes } as const;
    return run.make(path, change, () => this.operations.patch(known.id, patch));
  }

  /** A start that does not apply the file puts vendors of the environment back to their address there. */
  private noteNextStart(
    run: PoolRun,
    path: Path,
    { name, base_url: fileUrl }: { name: string; base_url: string },
  ): void {
    const vendor = vendorsOf(this.config).find(({ provider }) => provider.name === name);
    if (vendor === undefined || this.config.GATEWAY_CONFIG !== undefined) return;
    const { baseUrl } = vendor.provider;
    if ((canonicalBaseUrl(baseUrl) ?? baseUrl) === fileUrl) return;
    run.note(path, `the next start moves it to ${baseUrl} (${vendor.setting}), unless GATEWAY_CONFIG names this file`);
  }

  private create(
    run: PoolRun,
    path: Path,
    body: CreateProvider,
    secret: string | undefined,
    reference: string | undefined,
  ): Promise<ProviderView | null> {
    const fields = newFields({ ...body, ...(secret === undefined ? {} : { api_key: reference }) });
    const change = { action: 'create', resource: 'provider', name: body.name, fields } as const;
    const key = secret === undefined ? {} : { api_key: secret };
    return run.make(path, change, () => this.operations.create({ ...body, ...key }));
  }

  private async disable(run: PoolRun, view: ProviderView): Promise<ProviderView> {
    const change = { action: 'disable', resource: 'provider', name: view.name, fields: [] } as const;
    return (await run.make([], change, () => this.operations.patch(view.id, { enabled: false }))) ?? view;
  }
}
