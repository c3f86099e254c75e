import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { CredentialCheck } from '../../auth/index.js';
import { accessOf, roleSuffices } from '../../platform/access/index.js';
import { AppError } from '../../platform/errors/index.js';
import { PolicyService } from '../../policy/index.js';
import type { AdminRequest } from '../http/admin-request.js';

const BEARER_PATTERN = /^Bearer +(\S+)$/i;
const TOKEN_LENGTH_MAX = 512;

/**
 * Lets a request pass when its admin token is valid and its role is at least the one that the matched route declares.
 * A route that declares no role is refused.
 * @throws AppError `unauthorized`, `rate_limited`, `forbidden`.
 */
@Injectable()
export class AdminAuthGuard implements CanActivate {
  constructor(
    private readonly credentials: CredentialCheck,
    private readonly policies: PolicyService,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AdminRequest>();
    const { address } = this.policies.clientIpOf(request);
    const identity = await this.credentials.operator(presentedToken(request.headers.authorization), address);
    const access = accessOf(context.getHandler(), context.getClass());
    if (access?.kind !== 'admin' || !roleSuffices(identity.role, access.role)) {
      throw new AppError('forbidden', 'the role of this admin token does not allow this', { code: 'forbidden' });
    }
    request.admin = identity;
    return true;
  }
}

/** The bearer token; `null` when there is none that could be one. */
function presentedToken(authorization: string | undefined): string | null {
  const token = BEARER_PATTERN.exec(authorization ?? '')?.[1];
  return token === undefined || token.length > TOKEN_LENGTH_MAX ? null : token;
}
