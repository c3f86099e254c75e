import { readKey } from './key-source.js';

describe('the key of a request', () => {
  it.each([
    [{ authorization: 'Bearer abc' }, 'bearer', 'abc'],
    [{ authorization: 'bearer   abc ' }, 'bearer', 'abc'],
    [{ 'x-api-key': 'xyz' }, 'x-api-key', 'xyz'],
    [{ authorization: 'Bearer abc', 'x-api-key': 'xyz' }, 'x-api-key', 'xyz'],
    [{ authorization: 'Bearer abc', 'x-api-key': ' ' }, 'bearer', 'abc'],
    [{ authorization: 'Basic abc' }, 'none', null],
    [{ authorization: 'Bearer ' }, 'none', null],
    [{}, 'none', null],
  ])('in %j comes from %s', (headers, source, key) => {
    expect(readKey(headers)).toEqual({ source, key });
  });
});
