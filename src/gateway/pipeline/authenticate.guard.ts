import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { CredentialCheck } from '../../auth/index.js';
import { PolicyService } from '../../policy/index.js';
import { contextOf, type FastifyRequest } from './context.js';
import { readKey } from './key-source.js';

/** Stage 2: the key is present, known, active and not expired. The body has not been touched yet. */
@Injectable()
export class AuthenticateGuard implements CanActivate {
  constructor(
    private readonly credentials: CredentialCheck,
    private readonly policies: PolicyService,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const context = contextOf(request);
    const { source, key } = readKey(request.headers);
    context.keySource = source;
    context.close('receive', 'passed', { key_source: source });
    context.clientIp = this.policies.clientIpOf(request);
    context.key = await this.credentials.keyHolder(key, context.clientIp.address);
    context.close('authenticate', 'passed', {
      valid: true,
      key_status: context.key.status,
      api_key_id: context.key.id,
      tier: context.key.tier,
    });
    return true;
  }
}
