import { applyDecorators, Header, HttpCode, SetMetadata } from '@nestjs/common';
import { z } from 'zod';
import { AdminAccess, type AccessRole } from '../../platform/access/index.js';
import { Operation, operationOf, type OperationSpec } from '../../platform/openapi/index.js';

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
  /** The answer is one resource and has an `ETag`; changes of it honour `If-Match`, reads `If-None-Match`. */
  versioned?: true;
}

const WRITE_METADATA = 'joytoken:admin-write';
const VERSIONED_METADATA = 'joytoken:admin-versioned';
const CREATED = 201;

const idempotencyKey = z
  .string()
  .regex(/^[\x20-\x7e]{1,255}$/)
  .describe('The same key and body give the same answer; the same key with another body is a 409.');

const ifMatch = z
  .string()
  .optional()
  .describe('`ETag` of the state that the change is meant for, or `*`; anything else there is a 412.');
const ifNoneMatch = z
  .string()
  .optional()
  .describe('`ETag` of the state that the caller has; the answer is then a 304.');

/** Request headers of an operation. */
function headersOf({ write, versioned, status }: AdminOperationSpec): z.ZodObject {
  const key = write?.idempotencyKey === 'required' ? idempotencyKey : idempotencyKey.optional();
  const isChange = write !== undefined && status !== CREATED;
  return z.object({
    ...(write === undefined ? {} : { 'Idempotency-Key': key }),
    ...(versioned === true && isChange ? { 'If-Match': ifMatch } : {}),
    ...(versioned === true && write === undefined ? { 'If-None-Match': ifNoneMatch } : {}),
  });
}

/** Headers of its answer. */
function answerHeadersOf({ write, versioned, response, answerHeaders }: AdminOperationSpec): Record<string, string> {
  return {
    ...answerHeaders,
    ...(write === undefined ? {} : { 'Idempotency-Replayed': '`true` when the answer is a repetition.' }),
    ...(versioned === true && response !== undefined ? { ETag: 'State of the resource, for `If-Match`.' } : {}),
  };
}

/** Declares an operation of this door: who may call it, how it is checked, documented, audited and repeated. */
export function AdminOperation(spec: AdminOperationSpec): MethodDecorator {
  const { role, write, versioned, ...documented } = spec;
  return applyDecorators(
    AdminAccess(role ?? (write === undefined ? 'viewer' : 'operator')),
    HttpCode(spec.status ?? 200),
    Header('cache-control', 'no-store'),
    SetMetadata(WRITE_METADATA, write ?? null),
    SetMetadata(VERSIONED_METADATA, versioned === true),
    Operation({ ...documented, headers: headersOf(spec), answerHeaders: answerHeadersOf(spec) }),
  );
}

/** What a write declares; `null` for a read. */
export function writeOf(handler: object): WriteSpec | null {
  return (Reflect.getMetadata(WRITE_METADATA, handler) as WriteSpec | null | undefined) ?? null;
}

/** Whether an operation is about one resource with an `ETag`. */
export function isVersioned(handler: object): boolean {
  return Reflect.getMetadata(VERSIONED_METADATA, handler) === true;
}

/** Whether an operation changes or ends one resource, so that a caller may name its state with `If-Match`. */
export function takesIfMatch(handler: object): boolean {
  return 'If-Match' in (operationOf(handler)?.headers?.shape ?? {});
}
