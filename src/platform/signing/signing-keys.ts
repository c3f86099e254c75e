import { createHash, createPrivateKey, createPublicKey, hkdfSync, sign, verify, type KeyObject } from 'node:crypto';

/** A public key as RFC 8037 writes it; `kid` is its RFC 7638 thumbprint, so that it proves itself. */
export interface PublicJwk {
  kty: 'OKP';
  crv: 'Ed25519';
  x: string;
  kid: string;
}

/** What checks signatures: public keys by their id. */
export interface SignatureChecker {
  /** `unknown_key` when no key has this id. */
  check(keyId: string, data: Buffer, signature: Buffer): 'valid' | 'invalid' | 'unknown_key';
}

export interface SigningSecrets {
  SIGNING_SECRETS?: string | undefined;
  ENCRYPTION_SECRETS?: string | undefined;
}

/** DER of an Ed25519 private key (RFC 8410) up to its 32 bytes. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED_BYTES = 32;
const LABEL = 'joytoken signing key';
const DERIVED_LABEL = 'joytoken signing key of the encryption secret';

interface PrivateKey {
  keyId: string;
  key: KeyObject;
}

/**
 * The Ed25519 keys that sign receipts and ledger checkpoints. Each numbered secret makes one key: the highest of
 * `SIGNING_SECRETS` signs, without them one derived from the highest of `ENCRYPTION_SECRETS`. The public halves of all of
 * them verify, so that what an older secret has signed stays good for as long as that secret is listed.
 */
export class SigningKeys implements SignatureChecker {
  private readonly current: PrivateKey | null;
  private readonly known: PublicKeys;

  constructor(secrets: SigningSecrets) {
    const own = privateKeysOf(secrets.SIGNING_SECRETS, LABEL);
    const derived = privateKeysOf(secrets.ENCRYPTION_SECRETS, DERIVED_LABEL);
    const all = [...own, ...derived];
    this.current = all[0] ?? null;
    this.known = new PublicKeys(all.map(({ key }) => jwkOf(createPublicKey(key))));
  }

  /** @throws Error when no secret is configured. */
  sign(data: Buffer): { keyId: string; signature: Buffer } {
    if (this.current === null) throw new Error('no secret is configured to sign with');
    return { keyId: this.current.keyId, signature: sign(null, data, this.current.key) };
  }

  check(keyId: string, data: Buffer, signature: Buffer): 'valid' | 'invalid' | 'unknown_key' {
    return this.known.check(keyId, data, signature);
  }

  /** The public keys, the one that signs now first. */
  publicKeys(): readonly PublicJwk[] {
    return this.known.jwks;
  }
}

/** Public keys only, as published; keys that are not Ed25519, or whose id is not their thumbprint, are left out. */
export class PublicKeys implements SignatureChecker {
  readonly jwks: readonly PublicJwk[];
  private readonly keys = new Map<string, KeyObject>();

  constructor(jwks: readonly unknown[]) {
    this.jwks = jwks.filter(isSound);
    for (const jwk of this.jwks) this.keys.set(jwk.kid, createPublicKey({ key: { ...jwk }, format: 'jwk' }));
  }

  check(keyId: string, data: Buffer, signature: Buffer): 'valid' | 'invalid' | 'unknown_key' {
    const key = this.keys.get(keyId);
    if (key === undefined) return 'unknown_key';
    return verify(null, data, key, signature) ? 'valid' : 'invalid';
  }
}

/** Highest number first. */
function privateKeysOf(text: string | undefined, label: string): PrivateKey[] {
  const items = (text ?? '').split(',').filter((item) => item !== '');
  return items
    .sort((one, other) => Number.parseInt(other, 10) - Number.parseInt(one, 10))
    .map((item) => {
      const secret = Buffer.from(item.slice(item.indexOf(':') + 1), 'base64');
      const seed = Buffer.from(hkdfSync('sha256', secret, '', label, SEED_BYTES));
      const key = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
      return { key, keyId: jwkOf(createPublicKey(key)).kid };
    });
}

function jwkOf(key: KeyObject): PublicJwk {
  const x = key.export({ format: 'jwk' }).x ?? '';
  return { kty: 'OKP', crv: 'Ed25519', x, kid: thumbprintOf(x) };
}

/** RFC 7638 over the members that RFC 8037 names, in their order. */
function thumbprintOf(x: string): string {
  return createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
}

function isSound(value: unknown): value is PublicJwk {
  const jwk = (typeof value === 'object' ? value : null) as Partial<PublicJwk> | null;
  if (jwk?.kty !== 'OKP' || jwk.crv !== 'Ed25519' || typeof jwk.x !== 'string') return false;
  return /^[A-Za-z0-9_-]{43}$/.test(jwk.x) && jwk.kid === thumbprintOf(jwk.x);
}
