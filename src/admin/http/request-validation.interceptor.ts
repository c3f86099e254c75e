import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Observable } from 'rxjs';
import { z } from 'zod';
import { operationOf } from '../../platform/openapi/index.js';
import { faultsOf, ValidationError, type Fault } from '../problem/validation-error.js';
import type { AdminRequest } from './admin-request.js';
import { assertPathParams } from './path-params.js';

const NOTHING = z.strictObject({});
/** Methods whose body means nothing (RFC 9110 §9.3). */
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/**
 * Reads the body, now that the caller is known, checks path, query and body against the operation, and hands the parsed
 * values on. All faults of query and body are named at once; unknown fields are faults.
 */
@Injectable()
export class RequestValidationInterceptor implements NestInterceptor {
  async intercept(context: ExecutionContext, next: CallHandler): Promise<Observable<unknown>> {
    const operation = operationOf(context.getHandler());
    if (operation === null) return next.handle();
    const http = context.switchToHttp();
    const request = http.getRequest<AdminRequest>();
    assertPathParams(request.params as Record<string, string>);
    const faults: Fault[] = [];
    request.adminRawBody = READS.has(request.method)
      ? undefined
      : await request.readBody(http.getResponse<FastifyReply>());
    request.query = parsePart(operation.query ?? NOTHING, request.query, faults);
    request.body = parseBody(operation.body, request.adminRawBody, faults);
    if (faults.length > 0) throw new ValidationError(faults);
    return next.handle();
  }
}

/** An operation without a body takes none, or an empty object, which some clients always send; some may do without one. */
function parseBody(schema: z.ZodType | undefined, body: unknown, faults: Fault[]): unknown {
  if (schema === undefined) return parsePart(NOTHING, body ?? {}, faults);
  if (body === undefined || body === null) {
    if (schema.safeParse(undefined).success) return undefined;
    faults.push({ path: '', code: 'required', message: 'a JSON body is required' });
    return undefined;
  }
  return parsePart(schema, body, faults);
}

function parsePart(schema: z.ZodType, value: unknown, faults: Fault[]): unknown {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  faults.push(...faultsOf(result.error));
  return undefined;
}
