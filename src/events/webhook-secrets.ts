import { Inject, Injectable } from '@nestjs/common';
import { newId } from '../platform/ids/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { SealedStores, SecretBox, type SealedRow, type SealedStore } from '../platform/secrets/index.js';
import { newWebhookSecret } from './domain/signature.js';
import { secretOwner, type SealedSecret } from './domain/webhook.js';
import { WebhookRepository } from './persistence/webhook.repository.js';

/** The secrets of webhooks: made here, sealed before they are stored, and a store that a new encryption secret reaches. */
@Injectable()
export class WebhookSecrets implements SealedStore {
  readonly name = 'webhook secrets';

  constructor(
    stores: SealedStores,
    private readonly box: SecretBox,
    private readonly rows: WebhookRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    stores.register(this);
  }

  make(): { secret: string; row: SealedSecret } {
    const id = newId();
    const secret = newWebhookSecret();
    return { secret, row: { id, sealed: this.box.seal(secret, secretOwner(id)) } };
  }

  /** The secrets that can be opened. One that cannot is left out and logged: the others still sign. */
  open(sealed: readonly SealedSecret[]): string[] {
    return sealed.flatMap(({ id, sealed: text }) => {
      try {
        return [this.box.open(text, secretOwner(id))];
      } catch {
        this.logger.error({ secret_id: id }, 'a webhook secret cannot be opened; see ENCRYPTION_SECRETS');
        return [];
      }
    });
  }

  async page(afterId: string | null, limit: number): Promise<readonly SealedRow[]> {
    const rows = await this.rows.sealedSecrets(afterId, limit);
    return rows.map(({ id, sealed }) => ({ id, owner: secretOwner(id), sealed }));
  }

  replace(id: string, before: string, after: string): Promise<boolean> {
    return this.rows.replaceSealed(id, before, after);
  }
}
