import { createPublicKey, verify } from 'node:crypto';
import { PublicKeys, SigningKeys } from './signing-keys.js';

const secret = (number: number, fill: number): string =>
  `${number.toString()}:${Buffer.alloc(32, fill).toString('base64')}`;
const DATA = Buffer.from('what is signed');

describe('signing keys', () => {
  it('sign so that the published key verifies it by the means of any other program', () => {
    const keys = new SigningKeys({ SIGNING_SECRETS: secret(1, 1) });
    const { keyId, signature } = keys.sign(DATA);
    const jwk = keys.publicKeys().find(({ kid }) => kid === keyId);
    expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519' });
    const key = createPublicKey({ key: { ...jwk }, format: 'jwk' });
    expect(verify(null, DATA, key, signature)).toBe(true);
  });

  it('refuse altered data, an altered signature and an unknown key', () => {
    const keys = new SigningKeys({ SIGNING_SECRETS: secret(1, 1) });
    const { keyId, signature } = keys.sign(DATA);
    expect(keys.check(keyId, DATA, signature)).toBe('valid');
    expect(keys.check(keyId, Buffer.from('what is signeD'), signature)).toBe('invalid');
    expect(keys.check(keyId, DATA, Buffer.alloc(64))).toBe('invalid');
    expect(new SigningKeys({ SIGNING_SECRETS: secret(1, 2) }).check(keyId, DATA, signature)).toBe('unknown_key');
  });

  it('sign with the highest number and still verify what a lower one has signed', () => {
    const old = new SigningKeys({ SIGNING_SECRETS: secret(9, 1) }).sign(DATA);
    const rotated = new SigningKeys({ SIGNING_SECRETS: `${secret(9, 1)},${secret(10, 2)}` });
    expect(rotated.sign(DATA).keyId).not.toBe(old.keyId);
    expect(rotated.check(old.keyId, DATA, old.signature)).toBe('valid');
  });

  it('come from the encryption secrets until there are some of their own, and go on verifying then', () => {
    const encryption = secret(1, 3);
    const before = new SigningKeys({ ENCRYPTION_SECRETS: encryption });
    const signed = before.sign(DATA);
    const after = new SigningKeys({ SIGNING_SECRETS: secret(1, 3), ENCRYPTION_SECRETS: encryption });
    expect(after.sign(DATA).keyId).not.toBe(signed.keyId);
    expect(after.check(signed.keyId, DATA, signed.signature)).toBe('valid');
  });

  it('cannot sign without any secret', () => {
    expect(() => new SigningKeys({}).sign(DATA)).toThrow('no secret');
  });
});

describe('public keys', () => {
  it('are those that were published, without any that claims the id of another', () => {
    const keys = new SigningKeys({ SIGNING_SECRETS: secret(1, 1) });
    const [jwk] = keys.publicKeys();
    const [forged] = new SigningKeys({ SIGNING_SECRETS: secret(1, 2) }).publicKeys();
    const { keyId, signature } = keys.sign(DATA);
    const read = JSON.parse(JSON.stringify(keys.publicKeys())) as unknown[];
    expect(new PublicKeys(read).check(keyId, DATA, signature)).toBe('valid');
    expect(new PublicKeys([{ ...forged, kid: jwk?.kid }, null, 'x', {}]).jwks).toEqual([]);
  });
});
