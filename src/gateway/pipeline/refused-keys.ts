import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { FailedLogins } from '../../auth/index.js';
import { AppError } from '../../platform/errors/index.js';
import { PolicyService } from '../../policy/index.js';

/** Holds back the refusals of callers who guess keys. Valid keys never come here. */
@Injectable()
export class RefusedKeys {
  constructor(
    private readonly failures: FailedLogins,
    private readonly policies: PolicyService,
  ) {}

  /** Waits when its address had many of them lately. @returns the error, to be thrown. */
  async held(request: FastifyRequest, error: unknown): Promise<unknown> {
    if (error instanceof AppError && error.kind === 'invalid_api_key') {
      await this.failures.hold(
        this.policies.resolveClientIp(request.socket.remoteAddress ?? '', request.headers).address,
      );
    }
    return error;
  }
}
