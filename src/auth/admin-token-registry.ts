import { Inject, Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { CONFIG, type Config } from '../platform/config/index.js';
import { isUuid, newId } from '../platform/ids/index.js';
import { adminTokenNotFound, adminTokenRevoked, invalidField, lastOwner } from './auth.errors.js';
import { ownerAssurance, type AdminTokenRecord } from './domain/admin-token.js';
import type { AdminRole } from './domain/identity.js';
import { pageOf, type Page, type PageRequest } from './domain/page.js';
import { ADMIN_TOKEN_PREFIX, displayOfToken, newToken } from './domain/token-format.js';
import { checkedName } from './key-input.js';
import { AdminTokenRepository } from './persistence/admin-token.repository.js';
import { SecretHasher } from './secret-hasher.js';

export interface NewAdminToken {
  name: string;
  role: AdminRole;
  expiresAt: Date | null;
}

/** Absent and `undefined` fields stay as they are. */
export type AdminTokenPatch = { [Name in keyof NewAdminToken]?: NewAdminToken[Name] | undefined };

export interface CreatedAdminToken {
  record: AdminTokenRecord;
  /** The only time that it exists in the clear. */
  token: string;
}

/** Tokens of operators as rows. A write is in force here after `ChangeFeed.catchUp()`. */
@Injectable()
export class AdminTokenRegistry {
  constructor(
    private readonly tokens: AdminTokenRepository,
    private readonly hasher: SecretHasher,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Pick<Config, 'ADMIN_TOKEN'>,
  ) {}

  /** Makes a token. @throws AppError `unprocessable` for a bad name. */
  async create(input: NewAdminToken): Promise<CreatedAdminToken> {
    const made = this.make({ ...input, name: checkedName(input.name) });
    await this.tokens.insert(made.record, this.hasher.hash('admin_token', made.token));
    return made;
  }

  /**
   * Makes the first token, when none was ever made: an owner without end.
   * @returns `null` when there is one, be it revoked.
   */
  async createFirst(name: string): Promise<CreatedAdminToken | null> {
    const made = this.make({ name, role: 'owner', expiresAt: null });
    const isFirst = await this.tokens.insertFirst(made.record, this.hasher.hash('admin_token', made.token));
    return isFirst ? made : null;
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<AdminTokenRecord> {
    const record = isUuid(id) ? await this.tokens.find(id) : null;
    if (record === null) throw adminTokenNotFound();
    return record;
  }

  /** Newest first. */
  async list(role: AdminRole | undefined, page: PageRequest): Promise<Page<AdminTokenRecord>> {
    return pageOf(await this.tokens.list(role, page), page.limit);
  }

  /**
   * @throws AppError `not_found`; `conflict` for a revoked token, or when it is the last owner;
   * `unprocessable` naming the field.
   */
  async patch(id: string, patch: AdminTokenPatch): Promise<AdminTokenRecord> {
    const now = new Date(this.clock.nowMs());
    const { name, role, expiresAt } = patch;
    if (expiresAt !== undefined && expiresAt !== null && expiresAt <= now) throw expiryInThePast();
    return this.change(id, (token) => {
      if (token.revokedAt !== null) throw adminTokenRevoked();
      return {
        ...token,
        ...(name === undefined ? {} : { name: checkedName(name) }),
        ...(role === undefined ? {} : { role }),
        ...(expiresAt === undefined ? {} : { expiresAt }),
        updatedAt: now,
      };
    });
  }

  /**
   * Ends a token for ever. Revoking it again changes nothing.
   * @throws AppError `not_found`; `conflict` when it is the last owner.
   */
  async revoke(id: string): Promise<AdminTokenRecord> {
    const now = new Date(this.clock.nowMs());
    return this.change(id, (token) =>
      token.revokedAt === null ? { ...token, revokedAt: now, updatedAt: now } : token,
    );
  }

  /** Changes of tokens take turns, so that two owners cannot remove each other. */
  private async change(id: string, changed: (token: AdminTokenRecord) => AdminTokenRecord): Promise<AdminTokenRecord> {
    if (!isUuid(id)) throw adminTokenNotFound();
    return this.tokens.changeAlone(async (owners, writer) => {
      const before = await writer.find(id);
      if (before === null) throw adminTokenNotFound();
      const after = changed(before);
      const left = [...owners.filter((owner) => owner.id !== id), after];
      const nowMs = this.clock.nowMs();
      const isLess = ownerAssurance(left, nowMs) < ownerAssurance(owners, nowMs);
      if (isLess && this.config.ADMIN_TOKEN === undefined) throw lastOwner();
      await writer.save(after);
      return after;
    });
  }

  private make(input: NewAdminToken): CreatedAdminToken {
    const token = newToken(ADMIN_TOKEN_PREFIX);
    const nowMs = this.clock.nowMs();
    const now = new Date(nowMs);
    const times = { revokedAt: null, createdAt: now, updatedAt: now };
    return { record: { ...input, ...times, id: newId(nowMs), display: displayOfToken(token) }, token };
  }
}

/** 422: a token that is over when it is made is a mistake. */
export function expiryInThePast(): Error {
  return invalidField('expires_at', 'expires_at must be in the future');
}
