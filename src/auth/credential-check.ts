import { Injectable } from '@nestjs/common';
import { AppError } from '../platform/errors/index.js';
import { AdminTokenService } from './admin-token.service.js';
import type { AdminIdentity, AuthenticatedKey } from './domain/identity.js';
import { FailedLogins, tooManyFailures } from './failed-logins.js';
import { KeyService } from './key.service.js';

/**
 * The check of credentials for every door. Refusals are counted by client address and held back, at whichever door they
 * happen; a door that asked the services itself would let callers guess without limit.
 */
@Injectable()
export class CredentialCheck {
  constructor(
    private readonly keys: KeyService,
    private readonly tokens: AdminTokenService,
    private readonly failures: FailedLogins,
  ) {}

  /**
   * Who holds an API key. Keys are random, so a crowd of guesses is only slowed.
   * @param address of the client, as `PolicyService.clientIpOf` finds it.
   * @throws AppError as `KeyService.authenticate`.
   */
  async keyHolder(presented: string | null, address: string): Promise<AuthenticatedKey> {
    try {
      return await this.keys.authenticate(presented);
    } catch (error) {
      if (error instanceof AppError && error.kind === 'invalid_api_key') await this.failures.hold(address);
      throw error;
    }
  }

  /**
   * Who holds an admin token.
   * @param address as for `keyHolder`.
   * @throws AppError `unauthorized`; `rate_limited` for more guesses than are held back.
   */
  async operator(presented: string | null, address: string): Promise<AdminIdentity> {
    try {
      return this.tokens.authenticate(presented, this.failures.isCrowded(address));
    } catch (error) {
      if (presented !== null && !(await this.failures.hold(address))) throw tooManyFailures();
      throw error;
    }
  }

  /**
   * Whether the caller may read metrics and the details of health.
   * @param address as for `keyHolder`.
   * @throws AppError `rate_limited` for more guesses than are held back.
   */
  async mayObserve(presented: string | null, address: string): Promise<boolean> {
    if (this.tokens.mayObserve(presented, this.failures.isCrowded(address))) return true;
    if (presented !== null && !(await this.failures.hold(address))) throw tooManyFailures();
    return false;
  }
}
