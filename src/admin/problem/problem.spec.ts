import { z } from 'zod';
import { AppError } from '../../platform/errors/index.js';
import { PROBLEM_CODES } from './problem-codes.js';
import { adminErrorDoor, type Problem } from './problem.js';
import { PROBLEM_BY_KIND } from './problem-table.js';
import { faultsOf, ValidationError } from './validation-error.js';

const IDS = { requestId: 'gwr_1', clientRequestId: 'req-1' };

function problemFor(error: AppError): Problem {
  return adminErrorDoor.render(error, IDS).body as Problem;
}

describe('problem documents', () => {
  it('carry type, title, status, detail, code and the request id', () => {
    const rendered = adminErrorDoor.render(new AppError('conflict', 'the name is taken', { code: 'name_taken' }), IDS);
    expect(rendered.status).toBe(409);
    expect(rendered.contentType).toBe('application/problem+json; charset=utf-8');
    expect(rendered.body).toEqual({
      type: 'urn:joytoken:problem:name_taken',
      title: 'Conflict',
      status: 409,
      detail: 'the name is taken',
      code: 'name_taken',
      request_id: 'gwr_1',
    });
  });

  it('never show what an internal error says', () => {
    expect(JSON.stringify(problemFor(new AppError('internal', 'canary', { detail: 'canary' })))).not.toContain(
      'canary',
    );
  });

  it('name the field that a module refused', () => {
    const problem = problemFor(
      new AppError('unprocessable', 'no such model', { code: 'model_not_found', param: 'fixed_model' }),
    );
    expect(problem.errors).toEqual([{ path: 'fixed_model', code: 'model_not_found', message: 'no such model' }]);
  });

  it('tell how to authenticate, what is allowed and when to retry', () => {
    const headersOf = (error: AppError) => adminErrorDoor.render(error, IDS).headers;
    expect(headersOf(new AppError('unauthorized', 'x'))).toHaveProperty('www-authenticate', 'Bearer');
    expect(headersOf(new AppError('method_not_allowed', 'x', { allow: 'GET' }))).toHaveProperty('allow', 'GET');
    expect(headersOf(new AppError('unavailable', 'x', { retryAfterS: 0.2 }))).toHaveProperty('retry-after', '1');
  });

  it('use only documented codes by default', () => {
    for (const { code } of Object.values(PROBLEM_BY_KIND)) expect(PROBLEM_CODES).toHaveProperty(code);
  });
});

describe('faults of a request', () => {
  const schema = z.strictObject({ name: z.string(), deep: z.strictObject({ list: z.array(z.number()) }) });

  it('are all named at once, each unknown field on its own', () => {
    const result = schema.safeParse({ deep: { list: [1, 'x'], odd: 1, strange: 2 } }, { reportInput: true });
    const faults = result.success ? [] : faultsOf(result.error);
    expect(faults.map((fault) => [fault.path, fault.code])).toEqual([
      ['name', 'required'],
      ['deep.list.1', 'invalid_type'],
      ['deep.odd', 'unknown_field'],
      ['deep.strange', 'unknown_field'],
    ]);
    expect(problemFor(new ValidationError(faults))).toMatchObject({
      status: 400,
      code: 'validation_failed',
      errors: faults,
    });
  });
});
