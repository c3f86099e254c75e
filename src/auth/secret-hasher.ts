import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../platform/config/index.js';

/** What a hash is for; the same text hashes differently for each, so one table can never open the other's door. */
export type HashPurpose = 'api_key' | 'admin_token';

export interface HashedSecret {
  /** HMAC-SHA-256, 32 bytes. */
  hash: Buffer;
  /** Number of the secret that made it. */
  version: number;
}

interface NumberedKey {
  version: number;
  key: KeyObject;
}

const SECRET_SIZE_MIN_BYTES = 32;

/**
 * Keyed hashes of keys and tokens. The highest numbered secret of HASH_SECRETS signs new ones, all of them verify, so a
 * secret can be replaced while old keys go on working.
 */
@Injectable()
export class SecretHasher {
  /** Newest first: most presented keys match at the first try. */
  private readonly keys: readonly NumberedKey[];
  private readonly newest: NumberedKey;

  /** @throws Error when HASH_SECRETS is absent or holds a secret shorter than 32 bytes. */
  constructor(@Inject(CONFIG) config: Pick<Config, 'HASH_SECRETS'>) {
    if (config.HASH_SECRETS === undefined) throw new Error('HASH_SECRETS is not set');
    this.keys = parseSecrets(config.HASH_SECRETS);
    const [newest] = this.keys;
    if (newest === undefined) throw new Error('HASH_SECRETS holds no secret');
    this.newest = newest;
  }

  /** Hashes a new secret for storage. */
  hash(purpose: HashPurpose, text: string): HashedSecret {
    return { hash: digest(this.newest.key, purpose, text), version: this.newest.version };
  }

  /** Every hash under which a presented text may be stored, the likeliest first, in base64. */
  *candidates(purpose: HashPurpose, text: string): Generator<string> {
    for (const { key } of this.keys) yield digest(key, purpose, text).toString('base64');
  }

  /** Compares two texts in a time that tells nothing about where they differ, nor about their lengths. */
  equal(left: string, right: string): boolean {
    const purpose = 'admin_token';
    return timingSafeEqual(digest(this.newest.key, purpose, left), digest(this.newest.key, purpose, right));
  }
}

function digest(key: KeyObject, purpose: HashPurpose, text: string): Buffer {
  return createHmac('sha256', key).update(`${purpose}:${text}`).digest();
}

function parseSecrets(setting: string): NumberedKey[] {
  const keys = setting.split(',').map((item) => {
    const separator = item.indexOf(':');
    const version = Number(item.slice(0, separator));
    const bytes = Buffer.from(item.slice(separator + 1), 'base64');
    if (bytes.length < SECRET_SIZE_MIN_BYTES)
      throw new Error(`HASH_SECRETS: secret ${version} is shorter than 32 bytes`);
    return { version, key: createSecretKey(bytes) };
  });
  if (new Set(keys.map(({ version }) => version)).size < keys.length) {
    throw new Error('HASH_SECRETS: two secrets have the same number');
  }
  return keys.sort((left, right) => right.version - left.version);
}
