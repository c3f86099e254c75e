import { createHmac, randomBytes } from 'node:crypto';

/** Secrets as the Standard Webhooks specification writes them: this prefix, then base64. */
const SECRET_PREFIX = 'whsec_';
const SECRET_BYTES = 32;

/** What is signed: the same id for every attempt, the time of this one, and the very bytes of the body. */
export interface SignedMessage {
  id: string;
  timestampS: number;
  body: string;
}

export function newWebhookSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/**
 * The headers that sign a message (Standard Webhooks 1.0.0): HMAC-SHA256 of `<id>.<timestamp>.<body>`, one signature a secret.
 * @throws Error when there is no secret, or an empty one: nothing may ever look signed and not be.
 */
export function signatureHeaders(secrets: readonly string[], message: SignedMessage): Record<string, string> {
  if (secrets.length === 0) throw new Error('a message cannot be signed without a secret');
  const timestamp = message.timestampS.toString();
  const signed = `${message.id}.${timestamp}.${message.body}`;
  const signatures = secrets.map((secret) => {
    const mac = createHmac('sha256', keyOf(secret)).update(signed);
    return `v1,${mac.digest('base64')}`;
  });
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

function keyOf(secret: string): Buffer {
  const key = Buffer.from(secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : '', 'base64');
  if (key.length < SECRET_BYTES) throw new Error('a webhook secret is not one of ours');
  return key;
}
