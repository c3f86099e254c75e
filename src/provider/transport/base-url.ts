import { lookup } from 'node:dns/promises';
import { AppError } from '../../platform/errors/index.js';
import { isPublicAddress, literalAddress } from './address-guard.js';

const URL_CHARS_MAX = 2_000;
const RESOLVE_WAIT_MS = 1_000;

/** Names that mean this machine or this network, whatever a resolver says. */
const PRIVATE_NAME = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|private)$/;

/** Azure needs it; anything else in the query of a base URL could be a key in the clear. */
const QUERY_ALLOWED = new Set(['api-version']);

/**
 * Checks a base URL when it is saved. The check when a connection is made (`guardedLookup`) is the one that protects;
 * this one tells the operator at once.
 * @returns the URL without trailing slashes, in canonical form: `http://2130706433/v1/` is `http://127.0.0.1/v1`.
 * @throws AppError `unprocessable` (`base_url_invalid`, `base_url_refused`).
 */
export async function checkedBaseUrl(text: string, allowPrivate: boolean): Promise<string> {
  const url = text.length <= URL_CHARS_MAX && URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw invalid('must be an absolute URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw invalid('must begin with https:// or http://');
  if (url.username !== '' || url.password !== '') throw invalid('must not contain credentials; use api_key');
  if (url.hash !== '') throw invalid('must not contain a fragment');
  if ([...url.searchParams.keys()].some((name) => !QUERY_ALLOWED.has(name))) throw invalid('must not contain a query');
  if (url.port === '0') throw invalid('must not use port 0');
  if (!allowPrivate && !(await isPublicHost(url.hostname))) throw refused();
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}${url.search}`;
}

async function isPublicHost(hostname: string): Promise<boolean> {
  const address = literalAddress(hostname);
  if (address !== null) return isPublicAddress(address);
  const name = hostname.toLowerCase().replace(/\.$/, '');
  // A single label is a name of the local network: no public suffix is a host.
  if (PRIVATE_NAME.test(name) || !name.includes('.')) return false;
  return (await addressesOf(name)).every(isPublicAddress);
}

/** What the name means now; nothing when that is unknown, for then nothing can be reached either. */
async function addressesOf(name: string): Promise<string[]> {
  const waited = new Promise<string[]>((resolve) => setTimeout(resolve, RESOLVE_WAIT_MS, []).unref());
  const resolved = lookup(name, { all: true })
    .then((found) => found.map(({ address }) => address))
    .catch(() => []);
  return Promise.race([resolved, waited]);
}

function invalid(why: string): AppError {
  return new AppError('unprocessable', `base_url ${why}`, { code: 'base_url_invalid', param: 'base_url' });
}

function refused(): AppError {
  return new AppError('unprocessable', 'base_url is on a loopback or private address', {
    code: 'base_url_refused',
    param: 'base_url',
    hint: 'Set ALLOW_PRIVATE_UPSTREAMS=true to allow providers inside your own network.',
  });
}
