import { AppError } from '../platform/errors/index.js';
import type { OutboundUrl } from '../platform/net/index.js';

export function eventNotFound(): AppError {
  return new AppError('not_found', 'no such event', { code: 'not_found' });
}

export function webhookNotFound(): AppError {
  return new AppError('not_found', 'no such webhook', { code: 'not_found' });
}

export function unknownWebhook(): AppError {
  return new AppError('unprocessable', 'webhook_id names no webhook', {
    code: 'unknown_reference',
    param: 'webhook_id',
  });
}

export function tooManyWebhooks(most: number): AppError {
  return new AppError('conflict', `there are ${most} webhooks already`, { code: 'too_many_webhooks' });
}

export function tooManyWebhookSecrets(most: number): AppError {
  return new AppError('conflict', `${most} secrets of this webhook sign already`, {
    code: 'too_many_secrets',
    hint: 'Wait until one of them has ended, or rotate with grace_seconds 0.',
  });
}

export function badWebhookUrl(checked: Extract<OutboundUrl, { url: null }>, allowPrivate: boolean): AppError {
  const message = `url ${checked.why}`;
  if (checked.fault === 'invalid') {
    return new AppError('unprocessable', message, { code: 'webhook_url_invalid', param: 'url' });
  }
  return new AppError('unprocessable', message, {
    code: 'webhook_url_refused',
    param: 'url',
    ...(allowPrivate ? {} : { hint: 'Set ALLOW_PRIVATE_UPSTREAMS=true to allow receivers inside your own network.' }),
  });
}
