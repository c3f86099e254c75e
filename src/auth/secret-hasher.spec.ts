import { SecretHasher } from './secret-hasher.js';

const FIRST = Buffer.alloc(32, 1).toString('base64');
const SECOND = Buffer.alloc(32, 2).toString('base64url');

describe('SecretHasher', () => {
  it('signs with the highest number, whatever the order of the setting', () => {
    const hasher = new SecretHasher({ HASH_SECRETS: `10:${SECOND},9:${FIRST}` });
    expect(hasher.hash('api_key', 'jt_x').version).toBe(10);
  });

  it('still finds what an older secret has hashed', () => {
    const before = new SecretHasher({ HASH_SECRETS: `1:${FIRST}` });
    const after = new SecretHasher({ HASH_SECRETS: `1:${FIRST},2:${SECOND}` });
    const stored = before.hash('api_key', 'jt_x').hash.toString('base64');
    expect([...after.candidates('api_key', 'jt_x')]).toEqual([
      after.hash('api_key', 'jt_x').hash.toString('base64'),
      stored,
    ]);
  });

  it('hashes the same text differently for keys and for admin tokens', () => {
    const hasher = new SecretHasher({ HASH_SECRETS: `1:${FIRST}` });
    expect(hasher.hash('api_key', 'same').hash).not.toEqual(hasher.hash('admin_token', 'same').hash);
  });

  it('compares texts of any length', () => {
    const hasher = new SecretHasher({ HASH_SECRETS: `1:${FIRST}` });
    expect(hasher.equal('token', 'token')).toBe(true);
    expect(hasher.equal('token', 'token2')).toBe(false);
    expect(hasher.equal('', 'token')).toBe(false);
  });

  it.each<[string, string | undefined]>([
    ['absent', undefined],
    ['short', `1:${Buffer.alloc(31).toString('base64')}`],
    ['numbered twice', `1:${FIRST},1:${SECOND}`],
  ])('refuses to start with secrets that are %s', (_what, setting) => {
    expect(() => new SecretHasher({ HASH_SECRETS: setting })).toThrow('HASH_SECRETS');
  });
});
