import { AppError } from '../errors/index.js';
import { outageOf } from './outage.js';

function errorWith(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

describe('outageOf', () => {
  it.each([
    ['connect ECONNREFUSED 127.0.0.1:5432', 'ECONNREFUSED'],
    ['write EPIPE', 'EPIPE'],
    ['terminating connection due to administrator command', '57P01'],
    ['the database system is starting up', '57P03'],
    ['sorry, too many clients already', '53300'],
    ['connection failure', '08006'],
    ['canceling statement due to statement timeout', '57014'],
    ['Connection terminated unexpectedly', undefined],
    ['Connection terminated due to connection timeout', undefined],
    ['timeout exceeded when trying to connect', undefined],
    ['Query read timeout', undefined],
    ['Client has encountered a connection error and is not queryable', undefined],
    ['Cannot use a pool after calling end on the pool', undefined],
  ])('takes for an outage: %s', (message, code) => {
    expect(outageOf(errorWith(message, code))).toMatchObject({ kind: 'unavailable', code: 'database_unavailable' });
  });

  it('looks into the error that the ORM wraps', () => {
    const wrapped = Object.assign(new Error('terminating'), { driverError: errorWith('terminating', '57P01') });
    expect(outageOf(wrapped)).toMatchObject({ kind: 'unavailable' });
  });

  it.each([
    ['duplicate key value', '23505'],
    ['invalid input syntax for type uuid', '22P02'],
    ['x is not a function', undefined],
  ])('takes for a failure of the statement: %s', (message, code) => {
    expect(outageOf(errorWith(message, code))).toBeNull();
  });

  it('leaves errors of the family as they are', () => {
    expect(outageOf(new AppError('unavailable', 'connection terminated'))).toBeNull();
    expect(outageOf('ECONNREFUSED')).toBeNull();
  });
});
