import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { buildConnector, Pool, type Dispatcher } from 'undici';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AddressRefusedError, guardedLookup, isPublicAddress, literalAddress } from './address-guard.js';

/** Connections to one origin. Each open stream holds one; a request above that waits inside its connect time-out. */
const CONNECTIONS_MAX = 1024;

/** Idle connections are closed before most servers do it; a server that announces less is obeyed. */
const KEEP_ALIVE_MS = 15_000;

const CLOSE_WAIT_MS = 1_000;

/** Where requests to a base URL go. */
export interface UpstreamTarget {
  pool: Dispatcher;
  /** Path of the base URL without its trailing slash. */
  pathPrefix: string;
  /** Query of the base URL with its question mark, or empty. */
  search: string;
}

/** One undici pool for each origin, with HTTP/1.1, verified TLS, no redirects, and addresses checked at connect. */
@Injectable()
export class UpstreamPools implements OnApplicationShutdown {
  private readonly pools = new Map<string, Pool>();
  private readonly targets = new Map<string, UpstreamTarget>();

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'ALLOW_PRIVATE_UPSTREAMS'>) {}

  /** The pool and the path of a base URL; made on first use. */
  target(baseUrl: string): UpstreamTarget {
    const known = this.targets.get(baseUrl);
    if (known !== undefined) return known;
    const url = new URL(baseUrl);
    const target = {
      pool: this.poolOf(url.origin),
      pathPrefix: url.pathname.replace(/\/+$/, ''),
      search: url.search,
    };
    this.targets.set(baseUrl, target);
    return target;
  }

  /** Closes pools that no base URL of the list needs; requests that run on them end in peace. */
  retain(baseUrls: readonly string[]): void {
    const origins = new Set(baseUrls.filter((text) => URL.canParse(text)).map((text) => new URL(text).origin));
    for (const [origin, pool] of this.pools) {
      if (origins.has(origin)) continue;
      this.pools.delete(origin);
      void pool.close().catch(() => undefined);
    }
    for (const baseUrl of this.targets.keys()) {
      if (!origins.has(new URL(baseUrl).origin)) this.targets.delete(baseUrl);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const pools = [...this.pools.values()];
    this.pools.clear();
    this.targets.clear();
    await Promise.all(pools.map(closeWithin));
  }

  private poolOf(origin: string): Pool {
    const known = this.pools.get(origin);
    if (known !== undefined) return known;
    const pool = new Pool(origin, {
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      allowH2: false,
      connect: this.connector(),
    });
    this.pools.set(origin, pool);
    return pool;
  }

  private connector(): buildConnector.connector {
    // The attempt's own watch ends the waiting; this bound only frees sockets that nobody waits for any more.
    const timeout = 60_000;
    if (this.config.ALLOW_PRIVATE_UPSTREAMS) return buildConnector({ timeout, allowH2: false });
    const connect = buildConnector({ timeout, allowH2: false, lookup: guardedLookup } as buildConnector.BuildOptions);
    return (options, callback) => {
      const address = literalAddress(options.hostname);
      if (address !== null && !isPublicAddress(address)) {
        callback(new AddressRefusedError('not a public address'), null);
        return;
      }
      connect(options, callback);
    };
  }
}

async function closeWithin(pool: Pool): Promise<void> {
  const bound = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_WAIT_MS).unref());
  await Promise.race([pool.close().catch(() => undefined), bound]);
  await pool.destroy().catch(() => undefined);
}
