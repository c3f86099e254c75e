import { lookup, type LookupAddress, type LookupOptions } from 'node:dns';
import { buildConnector } from 'undici';
import { isMetadataAddress, isPublicAddress, literalAddress } from './addresses.js';

/** A connection would have gone to an address that requests of operators and callers may not reach. */
export class AddressRefusedError extends Error {
  override readonly name = 'AddressRefusedError';
}

export interface Reach {
  /** Loopback and private networks too; never links and metadata services. */
  allowPrivate: boolean;
}

/** Whether a connection may be made to an address. */
export function mayReach(address: string, { allowPrivate }: Reach): boolean {
  return allowPrivate ? !isMetadataAddress(address) : isPublicAddress(address);
}

type LookupCallback = (error: NodeJS.ErrnoException | null, address: string | LookupAddress[], family?: number) => void;
type Resolver = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * `dns.lookup` for sockets that refuses a name when *any* of its addresses is out of reach. It runs when the connection is
 * made, and the socket uses the very addresses that were checked: a name that has changed its mind since its URL was saved
 * (DNS rebinding) is caught.
 */
export function guardedLookup(
  reach: Reach,
  resolve: Resolver = lookup,
): (hostname: string, options: LookupOptions, callback: LookupCallback) => void {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return callback(error, []);
      const refused = addresses.find(({ address }) => !mayReach(address, reach));
      if (refused !== undefined) return callback(new AddressRefusedError('address out of reach'), []);
      if (options.all === true) return callback(null, addresses);
      const first = addresses[0];
      if (first === undefined) return callback(new AddressRefusedError('no address'), []);
      callback(null, first.address, first.family);
    });
  };
}

/**
 * Makes the connections of an undici `Client`, `Pool` or `Agent`: HTTP/1.1, verified TLS, and no address out of reach,
 * whether it is written in the URL or found by its name. undici follows no redirect and asks no proxy of the
 * environment; use a dispatcher of your own, never `fetch`, whose global one could.
 * @param timeoutMs longest wait for a connection, TLS included
 */
export function guardedConnector(reach: Reach, timeoutMs: number): buildConnector.connector {
  const connect = buildConnector({ timeout: timeoutMs, allowH2: false, lookup: guardedLookup(reach) });
  return (options, callback) => {
    const address = literalAddress(options.hostname);
    if (address !== null && !mayReach(address, reach)) {
      callback(new AddressRefusedError('address out of reach'), null);
      return;
    }
    connect(options, callback);
  };
}
