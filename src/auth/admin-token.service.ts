import { Inject, Injectable } from '@nestjs/common';
import { ChangeFeed } from '../platform/changes/index.js';
import { Clock } from '../platform/clock/index.js';
import { CONFIG, type Config } from '../platform/config/index.js';
import { AdminTokenRegistry } from './admin-token-registry.js';
import { invalidAdminToken, missingAdminToken } from './auth.errors.js';
import type { AdminIdentity } from './domain/identity.js';
import { ADMIN_TOKEN_PREFIX, isWellFormedToken } from './domain/token-format.js';
import { AdminTokenRepository, type StoredAdminToken } from './persistence/admin-token.repository.js';
import { SecretHasher } from './secret-hasher.js';

/** Who uses ADMIN_TOKEN; it has no row, and the audit log needs an id. */
const BOOTSTRAP_IDENTITY: AdminIdentity = {
  id: '00000000-0000-0000-0000-000000000000',
  name: 'ADMIN_TOKEN',
  role: 'owner',
};

interface HeldToken {
  hash: string;
  identity: AdminIdentity;
  expiresAtMs: number | null;
  revoked: boolean;
}

/** Tokens of operators: ADMIN_TOKEN of the configuration, and those that the database holds as keyed hashes. */
@Injectable()
export class AdminTokenService {
  private tokens = new Map<string, HeldToken>();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly registry: AdminTokenRegistry,
    private readonly repository: AdminTokenRepository,
    private readonly hasher: SecretHasher,
    private readonly clock: Clock,
    changes: ChangeFeed,
    @Inject(CONFIG) private readonly config: Pick<Config, 'ADMIN_TOKEN' | 'VIEWER_TOKEN'>,
  ) {
    changes.register('admin_token', { reloadAll: () => this.reloadAll(), reload: (ids) => this.reload(ids) });
  }

  /**
   * Tells which operator presents this token. Answers from memory.
   * @param isGuessing the caller has guessed so much that ADMIN_TOKEN, which people choose, is not compared. Tokens of the
   * table are random, so guessing at them is hopeless anyway and their holders always pass.
   * @throws AppError `unauthorized`.
   */
  authenticate(presented: string | null, isGuessing = false): AdminIdentity {
    if (presented === null || presented === '') throw missingAdminToken();
    const { ADMIN_TOKEN } = this.config;
    if (!isGuessing && ADMIN_TOKEN !== undefined && this.hasher.equal(presented, ADMIN_TOKEN))
      return BOOTSTRAP_IDENTITY;
    const identity = this.findStored(presented);
    if (identity === null) throw invalidAdminToken();
    return identity;
  }

  /**
   * Whether this token may read metrics and the details of health: VIEWER_TOKEN, or any valid admin token.
   * @param isGuessing as for `authenticate`; then neither of the configured tokens is compared.
   */
  mayObserve(presented: string | null, isGuessing = false): boolean {
    if (presented === null || presented === '') return false;
    const { ADMIN_TOKEN, VIEWER_TOKEN } = this.config;
    const configured = isGuessing ? [] : [VIEWER_TOKEN, ADMIN_TOKEN].filter((token) => token !== undefined);
    return configured.some((token) => this.hasher.equal(presented, token)) || this.findStored(presented) !== null;
  }

  /**
   * Makes the first admin token, when ADMIN_TOKEN is not set and no token was ever made.
   * @returns its plain text, to be printed once; `null` when there was nothing to do.
   */
  async ensureBootstrap(): Promise<string | null> {
    if (this.config.ADMIN_TOKEN !== undefined) return null;
    const first = await this.registry.createFirst('bootstrap');
    if (first === null) return null;
    await this.reload([first.record.id]);
    return first.token;
  }

  private findStored(presented: string): AdminIdentity | null {
    if (!isWellFormedToken(presented, ADMIN_TOKEN_PREFIX)) return null;
    for (const hash of this.hasher.candidates('admin_token', presented)) {
      const held = this.tokens.get(hash);
      if (held !== undefined) return this.isValid(held) ? held.identity : null;
    }
    return null;
  }

  private isValid(held: HeldToken): boolean {
    return !held.revoked && (held.expiresAtMs === null || held.expiresAtMs > this.clock.nowMs());
  }

  private async reloadAll(): Promise<void> {
    return this.oneAtATime(async () => {
      const rows = await this.repository.all();
      this.tokens = new Map(rows.map(heldTokenOf).map((held) => [held.hash, held]));
    });
  }

  private async reload(ids: readonly string[]): Promise<void> {
    return this.oneAtATime(async () => {
      const rows = await this.repository.byIds(ids);
      for (const held of this.tokens.values()) if (ids.includes(held.identity.id)) this.tokens.delete(held.hash);
      for (const held of rows.map(heldTokenOf)) this.tokens.set(held.hash, held);
    });
  }

  /** An older read must not overwrite a newer one. */
  private async oneAtATime(work: () => Promise<void>): Promise<void> {
    const run = this.running.then(work);
    this.running = run.catch(() => undefined);
    return run;
  }
}

function heldTokenOf(row: StoredAdminToken): HeldToken {
  return {
    hash: row.tokenHash.toString('base64'),
    identity: { id: row.id, name: row.name, role: row.role },
    expiresAtMs: row.expiresAt?.getTime() ?? null,
    revoked: row.revokedAt !== null,
  };
}
