import type { FastifyRequest } from 'fastify';
import type { AdminIdentity } from '../../auth/index.js';

/** A request to this door; `admin` is there once the guard has let it pass. */
export interface AdminRequest extends FastifyRequest {
  admin?: AdminIdentity;
  /** The body before it was parsed into its schema. */
  adminRawBody?: unknown;
}

/**
 * Who is calling.
 * @throws Error when no guard ran before, which is a fault of the program.
 */
export function adminOf(request: AdminRequest): AdminIdentity {
  if (request.admin === undefined) throw new Error('no admin identity: the guard did not run');
  return request.admin;
}
