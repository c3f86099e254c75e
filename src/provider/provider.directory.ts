import { Injectable } from '@nestjs/common';
import { ChangeFeed, type ChangeHandler } from '../platform/changes/index.js';
import { SecretBox } from '../platform/secrets/index.js';
import { EndpointBreakers } from './breaker/endpoint-breakers.js';
import { UpstreamFailure } from './domain/failure.js';
import { secretOwner, type ProviderRow } from './domain/provider.js';
import { RetryAfterTracker } from './failover/retry-after-tracker.js';
import { ProviderRepository } from './persistence/provider.repository.js';
import { UpstreamPools } from './transport/upstream-pools.js';

interface Known {
  row: ProviderRow;
  /** Opened on first use; in memory only. */
  apiKey: string | null | undefined;
}

/** All providers in memory, kept fresh by the change feed, with their opened keys. */
@Injectable()
export class ProviderDirectory implements ChangeHandler {
  private readonly known = new Map<string, Known>();

  constructor(
    changes: ChangeFeed,
    private readonly rows: ProviderRepository,
    private readonly box: SecretBox,
    private readonly pools: UpstreamPools,
    private readonly breakers: EndpointBreakers,
    private readonly limits: RetryAfterTracker,
  ) {
    changes.register('provider', this);
  }

  async reloadAll(): Promise<void> {
    const rows = await this.rows.all();
    // What has been learned of the others, also before this process started, stays true.
    const changed = rows.filter(({ id, updatedAt }) => this.isOlderThan(id, updatedAt)).map(({ id }) => id);
    this.known.clear();
    for (const row of rows) this.known.set(row.id, { row, apiKey: undefined });
    this.afterReload(changed);
  }

  async reload(ids: readonly string[]): Promise<void> {
    const rows = await this.rows.byIds(ids);
    for (const id of ids) this.known.delete(id);
    for (const row of rows) this.known.set(row.id, { row, apiKey: undefined });
    this.afterReload(ids);
  }

  /** Every provider, enabled or not, in no particular order. */
  list(): readonly ProviderRow[] {
    return [...this.known.values()].map(({ row }) => row);
  }

  /**
   * The provider's own key for a call; `null` when it has none.
   * @throws UpstreamFailure `operator_fault` when the provider is unknown or disabled, or its key cannot be opened.
   */
  apiKeyOf(providerId: string): string | null | Promise<string | null> {
    const known = this.known.get(providerId);
    return known === undefined ? this.fetchApiKeyOf(providerId) : this.openKey(known);
  }

  /** A model that was read a moment before its new provider: the feed will bring it, the call need not wait. */
  private async fetchApiKeyOf(providerId: string): Promise<string | null> {
    const row = await this.rows.find(providerId);
    if (row === null) throw new UpstreamFailure('operator_fault', 'provider_unknown');
    return this.openKey({ row, apiKey: undefined });
  }

  private openKey(known: Known): string | null {
    const { id, apiKeySealed, enabled } = known.row;
    if (!enabled) throw new UpstreamFailure('operator_fault', 'provider_disabled');
    if (known.apiKey !== undefined) return known.apiKey;
    try {
      known.apiKey = apiKeySealed === null ? null : this.box.open(apiKeySealed, secretOwner(id));
    } catch (error) {
      throw new UpstreamFailure('operator_fault', 'secret_unreadable', { cause: error });
    }
    return known.apiKey;
  }

  private isOlderThan(id: string, updatedAt: Date): boolean {
    const known = this.known.get(id);
    return known !== undefined && known.row.updatedAt < updatedAt;
  }

  private afterReload(ids: readonly string[]): void {
    this.breakers.forget(new Set(ids));
    this.limits.forget(new Set(ids));
    this.pools.retain(this.list().map(({ baseUrl }) => baseUrl));
  }
}
