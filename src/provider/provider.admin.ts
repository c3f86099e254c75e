import { timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/index.js';
import { AppError } from '../platform/errors/index.js';
import { isUuid, newId } from '../platform/ids/index.js';
import { SecretBox } from '../platform/secrets/index.js';
import { AdapterRegistry } from './adapters/adapter-registry.js';
import {
  secretOwner,
  viewOf,
  type NewProvider,
  type ProviderPatch,
  type ProviderRow,
  type ProviderTest,
  type ProviderView,
} from './domain/provider.js';
import { ProviderRepository } from './persistence/provider.repository.js';
import { ProviderProbe } from './provider.probe.js';
import { checkedBaseUrl } from './transport/base-url.js';

/** What a name may be: it travels in the header `X-DAOE-Used-Provider`. */
const NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,98}[\x21-\x7e])?$/;

/** Printable, without spaces: it travels in a header. */
const API_KEY = /^[\x21-\x7e]{1,4000}$/;

export interface ProviderPage {
  items: readonly ProviderView[];
  nextCursor: string | null;
}

/** Administration of providers. A write is in force in every process when its change feed has seen it. */
@Injectable()
export class ProviderAdmin {
  constructor(
    @Inject(CONFIG) private readonly config: Pick<Config, 'ALLOW_PRIVATE_UPSTREAMS'>,
    private readonly rows: ProviderRepository,
    private readonly box: SecretBox,
    private readonly adapters: AdapterRegistry,
    private readonly probe: ProviderProbe,
  ) {}

  /**
   * Adds a provider; its key is sealed before it is stored.
   * @throws AppError `unprocessable` naming the field; `conflict` when the name is taken.
   */
  async create(input: NewProvider): Promise<ProviderView> {
    const id = newId();
    const { adapter, apiKey = null, hangupBilling = 'estimate', enabled = true } = input;
    const row = await this.rows.insert({
      id,
      name: checkedName(input.name),
      adapter: this.checkedAdapter(adapter),
      baseUrl: await this.checkedBaseUrl(adapter, input.baseUrl),
      apiKeySealed: this.sealed(id, apiKey),
      hangupBilling,
      enabled,
    });
    return viewOf(row);
  }

  /** Newest first, after the provider whose id is the cursor. */
  async list(page: { limit: number; cursor: string | null }): Promise<ProviderPage> {
    if (page.cursor !== null && !isUuid(page.cursor)) return { items: [], nextCursor: null };
    const rows = await this.rows.page(page.cursor, page.limit + 1);
    const items = rows.slice(0, page.limit).map(viewOf);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<ProviderView> {
    return viewOf(await this.row(id));
  }

  async findByName(name: string): Promise<ProviderView | null> {
    const row = await this.rows.findByName(name);
    return row === null ? null : viewOf(row);
  }

  /**
   * Changes the fields that are given; `apiKey: null` removes the key. A new host needs the key again.
   * @throws AppError `not_found`; `unprocessable` naming the field; `conflict` when the name is taken.
   */
  async patch(id: string, patch: ProviderPatch): Promise<ProviderView> {
    const before = await this.row(id);
    const adapter = this.checkedAdapter(patch.adapter ?? before.adapter);
    const change: Partial<ProviderRow> = { adapter };
    if (patch.name !== undefined) change.name = checkedName(patch.name);
    if (patch.hangupBilling !== undefined) change.hangupBilling = patch.hangupBilling;
    if (patch.enabled !== undefined) change.enabled = patch.enabled;
    if (patch.baseUrl !== undefined || adapter !== before.adapter) {
      change.baseUrl = await this.checkedBaseUrl(adapter, patch.baseUrl ?? before.baseUrl);
    }
    if (change.baseUrl !== undefined && patch.apiKey === undefined) refuseRedirectedKey(before, change.baseUrl);
    if (patch.apiKey !== undefined) change.apiKeySealed = this.sealed(id, patch.apiKey);
    const after = await this.rows.update(id, change);
    if (after === null) throw notFound();
    return viewOf(after);
  }

  /** @throws AppError `not_found`; `conflict` while endpoints use it. */
  async remove(id: string): Promise<void> {
    if (!isUuid(id) || !(await this.rows.delete(id))) throw notFound();
  }

  /**
   * Whether a key is the one that is stored. One that cannot be opened any more is none.
   * @throws AppError `not_found`.
   */
  async holdsKey(id: string, apiKey: string): Promise<boolean> {
    const { apiKeySealed } = await this.row(id);
    if (apiKeySealed === null) return false;
    try {
      const stored = Buffer.from(this.box.open(apiKeySealed, secretOwner(id)));
      const given = Buffer.from(apiKey);
      return stored.length === given.length && timingSafeEqual(stored, given);
    } catch {
      return false;
    }
  }

  /**
   * Calls the provider once to see whether address and key are right. Never throws for what it finds.
   * @param model at the provider; it is asked for a word. `null` asks something that costs nothing.
   * @throws AppError `not_found`.
   */
  async test(id: string, model: string | null = null): Promise<ProviderTest> {
    return this.probe.run(await this.row(id), model);
  }

  private async row(id: string): Promise<ProviderRow> {
    const row = isUuid(id) ? await this.rows.find(id) : null;
    if (row === null) throw notFound();
    return row;
  }

  private checkedAdapter(name: string): string {
    if (this.adapters.find(name) !== null) return name;
    throw unprocessable('adapter', `adapter must be one of ${this.adapters.names().join(', ')}`);
  }

  private async checkedBaseUrl(adapterName: string, baseUrl: string): Promise<string> {
    if (this.adapters.find(adapterName)?.usesNetwork !== false) {
      return checkedBaseUrl(baseUrl, this.config.ALLOW_PRIVATE_UPSTREAMS);
    }
    const expected = `${adapterName}:`;
    if (baseUrl === expected) return baseUrl;
    throw unprocessable('base_url', `base_url of this adapter must be ${expected}`);
  }

  private sealed(id: string, apiKey: string | null): string | null {
    if (apiKey === null) return null;
    if (!API_KEY.test(apiKey)) throw unprocessable('api_key', 'api_key must be printable ASCII without spaces');
    return this.box.seal(apiKey, secretOwner(id));
  }
}

/** A key belongs to the host that it was given for: whoever moves the address must know the key. */
function refuseRedirectedKey(before: ProviderRow, baseUrl: string): void {
  if (before.apiKeySealed === null || originOf(before.baseUrl) === originOf(baseUrl)) return;
  throw unprocessable('api_key', 'api_key must be sent along when base_url moves to another host');
}

function originOf(baseUrl: string): string {
  return new URL(baseUrl).origin;
}

function checkedName(name: string): string {
  if (NAME.test(name)) return name;
  throw unprocessable('name', 'name must be 1 to 100 printable ASCII characters');
}

function unprocessable(param: string, message: string): AppError {
  return new AppError('unprocessable', message, { code: 'invalid_field', param });
}

function notFound(): AppError {
  return new AppError('not_found', 'no such provider', { code: 'not_found' });
}
