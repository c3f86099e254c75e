import { applyDecorators, Header, HttpCode, SetMetadata } from '@nestjs/common';
import { z } from 'zod';
import { AdminAccess, type AccessRole } from '../../platform/access/index.js';
import { Operation, type OperationSpec } from '../../platform/openapi/index.js';

/** What every write declares, so that it is audited and can be repeated safely. */
export interface WriteSpec {
  /** Written to the audit log, e.g. `account.create`. */
  action: string;
  /** `required` where money moves. Default `accepted`. */
  idempotencyKey?: 'required' | 'accepted';
  /**
   * Default `joined`: the change, its audit row and the answer for repetitions are one transaction. `own` for writes that
   * call other systems or take long: they are audited when they have ended.
   */
  transaction?: 'joined' | 'own';
  /** What a repeated request is told instead of the first answer; also the form that is stored. */
  replay?: (body: unknown) => unknown;
}

export interface AdminOperationSpec extends OperationSpec {
  /** Default: `viewer` for reads, `operator` for writes. */
  role?: AccessRole;
  /** Absent for reads. */
  write?: WriteSpec;
}

const WRITE_METADATA = 'joytoken:admin-write';

const idempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/)
  .describe('The same key and body give the same answer; the same key with another body is a 409.');

const HEADERS = {
  required: z.object({ 'Idempotency-Key': idempotencyKey }),
  accepted: z.object({ 'Idempotency-Key': idempotencyKey.optional() }),
};

/** Declares an operation of this door: who may call it, how it is checked, documented, audited and repeated. */
export function AdminOperation(spec: AdminOperationSpec): MethodDecorator {
  const { role, write, ...documented } = spec;
  const headers = write === undefined ? {} : { headers: HEADERS[write.idempotencyKey ?? 'accepted'] };
  return applyDecorators(
    AdminAccess(role ?? (write === undefined ? 'viewer' : 'operator')),
    HttpCode(spec.status ?? 200),
    Header('cache-control', 'no-store'),
    SetMetadata(WRITE_METADATA, write ?? null),
    Operation({ ...documented, ...headers }),
  );
}

/** What a write declares; `null` for a read. */
export function writeOf(handler: object): WriteSpec | null {
  return (Reflect.getMetadata(WRITE_METADATA, handler) as WriteSpec | null | undefined) ?? null;
}
