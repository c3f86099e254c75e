import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { AdminTokenService } from '../../auth/index.js';
import { accessOf, roleSuffices } from '../../platform/access/index.js';
import { AppError } from '../../platform/errors/index.js';
import type { AdminRequest } from '../http/admin-request.js';

const BEARER_PATTERN = /^Bearer +(\S+)$/i;
const TOKEN_LENGTH_MAX = 512;

/**
 * Lets a request pass when its admin token is valid and its role is at least the one that the matched route declares.
 * A route that declares no role is refused.
 */
@Injectable()
export class AdminAuthGuard implements CanActivate {
  constructor(private readonly tokens: AdminTokenService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const identity = await this.tokens.authenticate(presentedToken(request.headers.authorization));
    const access = accessOf(context.getHandler(), context.getClass());
    if (access?.kind !== 'admin' || !roleSuffices(identity.role, access.role)) {
      throw new AppError('forbidden', 'the role of this admin token does not allow this', { code: 'forbidden' });
    }
    request.admin = identity;
    return true;
  }
}

/** @throws AppError `unauthorized` when there is no bearer token. */
function presentedToken(authorization: string | undefined): string {
  const token = BEARER_PATTERN.exec(authorization ?? '')?.[1];
  if (token !== undefined && token.length <= TOKEN_LENGTH_MAX) return token;
  throw new AppError('unauthorized', 'an admin token is required', {
    code: 'unauthorized',
    hint: 'send Authorization: Bearer <admin token>',
  });
}
