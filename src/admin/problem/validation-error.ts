import type { z } from 'zod';
import { AppError } from '../../platform/errors/index.js';

/** One fault of a request. `path` is dotted, e.g. `ip_allowlist.0`; empty for the body as a whole. */
export interface Fault {
  path: string;
  code: string;
  message: string;
}

/** A request that does not have the documented shape; names all of its faults. Shown as 400 `validation_failed`. */
export class ValidationError extends AppError {
  constructor(readonly faults: readonly Fault[]) {
    super('invalid_request', 'the request is not as documented; see errors', { code: 'validation_failed' });
  }
}

/** Faults of one part of a request, flat; each unknown field is a fault of its own. */
export function faultsOf(error: z.core.$ZodError): Fault[] {
  return error.issues.flatMap((issue) => faultsOfIssue(issue, []));
}

/** zod's words that say nothing to a caller. */
const FAULT_CODES: Readonly<Record<string, string>> = { custom: 'invalid_value', invalid_union: 'invalid_value' };

function faultsOfIssue(issue: z.core.$ZodIssue, parents: readonly PropertyKey[]): Fault[] {
  const path = [...parents, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => fault([...path, key], 'unknown_field', 'this field does not exist'));
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && path.length > 0) {
    return [fault(path, 'required', 'this field is required')];
  }
  return [fault(path, FAULT_CODES[issue.code] ?? issue.code, issue.message)];
}

function fault(path: readonly PropertyKey[], code: string, message: string): Fault {
  return { path: path.map(String).join('.'), code, message };
}
