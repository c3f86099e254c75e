import type { Config } from '../platform/config/index.js';
import { checkOutboundUrl } from '../platform/net/index.js';
import { StartError } from './start-error.js';

/**
 * The address of a setting is held to the rules for addresses that are saved; it is checked again with every connection.
 * @throws StartError naming the setting.
 */
export async function requireAllowedWebhook(config: Config): Promise<void> {
  const { LEDGER_CHECKPOINT_WEBHOOK_URL: url, ALLOW_PRIVATE_UPSTREAMS: allowPrivate } = config;
  if (url === undefined) return;
  const checked = await checkOutboundUrl(url, { allowPrivate });
  if (checked.url !== null) return;
  const hint = checked.fault === 'refused' && !allowPrivate ? '; ALLOW_PRIVATE_UPSTREAMS=true allows it' : '';
  throw new StartError(`LEDGER_CHECKPOINT_WEBHOOK_URL: ${checked.why}${hint}`);
}
