import { lookup } from 'node:dns/promises';
import { literalAddress } from './addresses.js';
import { mayReach, type Reach } from './guarded-connector.js';

const URL_CHARS_MAX = 2_000;
const RESOLVE_WAIT_MS = 1_000;

/** Names that mean this machine or this network, whatever a resolver says. */
const PRIVATE_NAME = /(^|\.)(localhost|local|localdomain|internal|intranet|lan|home|corp|private|home\.arpa)$/;

/** Names of metadata services; some resolve only inside of their cloud. */
const METADATA_NAME = /^(metadata|instance-data)(\.|$)/;

export interface OutboundUrlRules extends Reach {
  /** Names that the query may have; absent: any. */
  queryNames?: ReadonlySet<string>;
}

export type OutboundUrl =
  | { url: URL }
  /** `invalid`: not such a URL at all, and `why` goes on from the field's name; `refused`: it leads where none may. */
  | { url: null; fault: 'invalid' | 'refused'; why: string };

/**
 * Checks a URL that an operator or a caller gives, when it is saved. The check when a connection is made
 * (`guardedConnector`) is the one that protects; this one tells at once.
 * @returns the URL in canonical form (`http://2130706433/` is `http://127.0.0.1/`), or what is wrong with it.
 */
export async function checkOutboundUrl(text: string, rules: OutboundUrlRules): Promise<OutboundUrl> {
  const url = text.length <= URL_CHARS_MAX && URL.canParse(text) ? new URL(text) : null;
  if (url === null) return invalid('must be an absolute URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return invalid('must begin with https:// or http://');
  if (url.username !== '' || url.password !== '') return invalid('must not contain credentials');
  if (url.hash !== '') return invalid('must not contain a fragment');
  const { queryNames } = rules;
  if (queryNames !== undefined && [...url.searchParams.keys()].some((name) => !queryNames.has(name))) {
    return invalid('must not contain a query');
  }
  if (url.port === '0') return invalid('must not use port 0');
  if (await leadsWithinReach(url.hostname, rules)) return { url };
  const why = rules.allowPrivate ? 'is a link-local or metadata address' : 'is on a loopback or private address';
  return { url: null, fault: 'refused', why };
}

async function leadsWithinReach(hostname: string, reach: Reach): Promise<boolean> {
  const address = literalAddress(hostname);
  if (address !== null) return mayReach(address, reach);
  const name = hostname.toLowerCase().replace(/\.+$/, '');
  if (METADATA_NAME.test(name)) return false;
  if (reach.allowPrivate) return true;
  // A single label is a name of the local network: no public suffix is a host.
  if (PRIVATE_NAME.test(name) || !name.includes('.')) return false;
  return (await addressesOf(name)).every((found) => mayReach(found, reach));
}

/** What the name means now; nothing when that is unknown, for then nothing can be reached either. */
async function addressesOf(name: string): Promise<string[]> {
  const waited = new Promise<string[]>((resolve) => setTimeout(resolve, RESOLVE_WAIT_MS, []).unref());
  const resolved = lookup(name, { all: true })
    .then((found) => found.map(({ address }) => address))
    .catch(() => []);
  return Promise.race([resolved, waited]);
}

function invalid(why: string): OutboundUrl {
  return { url: null, fault: 'invalid', why };
}
