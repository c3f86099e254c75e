import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { CredentialCheck, type AuthenticatedKey } from '../../auth/index.js';
import { PolicyService } from '../../policy/index.js';
import { readKey } from '../pipeline/key-source.js';

const keys = new WeakMap<FastifyRequest, AuthenticatedKey>();

/**
 * Lets holders of a valid key pass who call from an address that the key may be used from. Every route of a key that is not
 * behind the pipeline is behind this guard; `test/architecture/routes.spec.ts` counts them.
 */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly credentials: CredentialCheck,
    private readonly policies: PolicyService,
  ) {}

  /** @throws AppError `missing_api_key`, `invalid_api_key`, `policy_rejected`. */
  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const clientIp = this.policies.clientIpOf(request);
    const key = await this.credentials.keyHolder(readKey(request.headers).key, clientIp.address);
    this.policies.checkAddress(key, clientIp);
    keys.set(request, key);
    return true;
  }
}

/** The key that the guard has let pass. */
export function apiKeyOf(request: FastifyRequest): AuthenticatedKey {
  const key = keys.get(request);
  if (key === undefined) throw new Error('the route is not behind ApiKeyGuard');
  return key;
}
