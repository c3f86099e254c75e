import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { KeyService, type AuthenticatedKey } from '../../auth/index.js';
import { readKey } from '../pipeline/key-source.js';
import { RefusedKeys } from '../pipeline/refused-keys.js';

const keys = new WeakMap<FastifyRequest, AuthenticatedKey>();

/** Lets holders of a valid key pass; the catalogue needs nothing else of the model-call pipeline. */
@Injectable()
export class ApiKeyGuard implements CanActivate {
  constructor(
    private readonly service: KeyService,
    private readonly refused: RefusedKeys,
  ) {}

  /** @throws AppError `missing_api_key`, `invalid_api_key`. */
  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    try {
      keys.set(request, await this.service.authenticate(readKey(request.headers).key));
    } catch (error) {
      throw await this.refused.held(request, error);
    }
    return true;
  }
}

/** The key that the guard has let pass. */
export function apiKeyOf(request: FastifyRequest): AuthenticatedKey {
  const key = keys.get(request);
  if (key === undefined) throw new Error('the route is not behind ApiKeyGuard');
  return key;
}
