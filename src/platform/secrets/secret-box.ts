import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '../config/index.js';
import { AppError } from '../errors/index.js';

const IV_BYTES = 12;
const TAG_BYTES = 16;
const SEALED = /^v(\d+)\.([A-Za-z0-9_-]+)$/;

/**
 * Seals secrets for the database with AES-256-GCM. The text `v<number>.<base64url of iv, ciphertext and tag>` names
 * the secret that sealed it: the highest of `ENCRYPTION_SECRETS` seals, all of them open. A sealed secret is bound to
 * its owner, so a row cannot borrow another row's secret.
 */
@Injectable()
export class SecretBox {
  private readonly keys: ReadonlyMap<number, Buffer>;
  private readonly current: number;

  constructor(@Inject(CONFIG) config: Pick<Config, 'ENCRYPTION_SECRETS'>) {
    this.keys = readKeys(config.ENCRYPTION_SECRETS ?? '');
    this.current = Math.max(0, ...this.keys.keys());
  }

  /** Number of the secret that seals now; 0 when none is configured. */
  get currentNumber(): number {
    return this.current;
  }

  /** Number of the secret that sealed a text; `null` when it is none of ours. */
  numberOf(sealed: string): number | null {
    const [, number] = SEALED.exec(sealed) ?? [];
    return number === undefined ? null : Number(number);
  }

  /** @throws AppError `internal` when no secret is configured. */
  seal(plain: string, owner: string): string {
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.keyOf(this.current), iv).setAAD(Buffer.from(owner));
    const sealed = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `v${String(this.current)}.${sealed.toString('base64url')}`;
  }

  /** @throws AppError `internal` when it was sealed for another owner, by an unknown secret, or was altered. */
  open(sealed: string, owner: string): string {
    const [, number, text] = SEALED.exec(sealed) ?? [];
    const bytes = Buffer.from(text ?? '', 'base64url');
    const key = this.keyOf(Number(number));
    if (bytes.length < IV_BYTES + TAG_BYTES) throw unreadable();
    try {
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES)).setAAD(Buffer.from(owner));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      const plain = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]);
      return plain.toString('utf8');
    } catch (error) {
      throw unreadable(error);
    }
  }

  private keyOf(number: number): Buffer {
    const key = this.keys.get(number);
    if (key === undefined) throw unreadable();
    return key;
  }
}

function readKeys(text: string): Map<number, Buffer> {
  const keys = new Map<number, Buffer>();
  for (const item of text.split(',').filter((part) => part !== '')) {
    const [number, secret] = [item.slice(0, item.indexOf(':')), item.slice(item.indexOf(':') + 1)];
    const key = hkdfSync('sha256', Buffer.from(secret, 'base64'), '', 'joytoken provider keys', 32);
    keys.set(Number(number), Buffer.from(key));
  }
  return keys;
}

function unreadable(cause?: unknown): AppError {
  return new AppError('internal', 'internal error', {
    code: 'secret_unreadable',
    detail: 'a stored secret cannot be sealed or opened with ENCRYPTION_SECRETS',
    cause,
  });
}
