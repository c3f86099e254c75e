import { Injectable } from '@nestjs/common';
import { SealedStores, type SealedRow, type SealedStore } from '../platform/secrets/index.js';
import { secretOwner } from './domain/provider.js';
import { ProviderRepository } from './persistence/provider.repository.js';

/** The vendors' keys as a store of sealed secrets, for the change of the encryption secret. */
@Injectable()
export class ProviderKeys implements SealedStore {
  readonly name = 'provider keys';

  constructor(
    stores: SealedStores,
    private readonly rows: ProviderRepository,
  ) {
    stores.register(this);
  }

  async page(afterId: string | null, limit: number): Promise<readonly SealedRow[]> {
    const rows = await this.rows.sealedKeys(afterId, limit);
    return rows.map(({ id, apiKeySealed }) => ({ id, owner: secretOwner(id), sealed: apiKeySealed }));
  }

  replace(id: string, before: string, after: string): Promise<boolean> {
    return this.rows.replaceSealedKey(id, before, after);
  }
}
