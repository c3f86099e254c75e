import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Pool, type Dispatcher } from 'undici';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { guardedConnector } from '../../platform/net/index.js';

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

/** The socket is given up a little after the attempt that waited for it, so that the attempt's own clock decides. */
const CONNECT_GRACE_MS = 200;

/**
 * One undici pool for each origin (and connect time-out), with HTTP/1.1, verified TLS, no redirects, and addresses
 * checked at connect.
 */
@Injectable()
export class UpstreamPools implements OnApplicationShutdown {
  private readonly pools = new Map<string, Pool>();
  private readonly targets = new Map<string, UpstreamTarget>();

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'ALLOW_PRIVATE_UPSTREAMS'>) {}

  /** The pool and the path of a base URL; made on first use. */
  target(baseUrl: string, connectMs: number): UpstreamTarget {
    const key = `${String(connectMs)} ${baseUrl}`;
    const known = this.targets.get(key);
    if (known !== undefined) return known;
    const url = new URL(baseUrl);
    const target = {
      pool: this.poolOf(url.origin, connectMs),
      pathPrefix: url.pathname.replace(/\/+$/, ''),
      search: url.search,
    };
    this.targets.set(key, target);
    return target;
  }

  /** Closes pools that no base URL of the list needs; requests that run on them end in peace. */
  retain(baseUrls: readonly string[]): void {
    const origins = new Set(baseUrls.filter((text) => URL.canParse(text)).map((text) => new URL(text).origin));
    for (const [key, pool] of this.pools) {
      if (origins.has(textAfterSpace(key))) continue;
      this.pools.delete(key);
      void pool.close().catch(() => undefined);
    }
    for (const key of this.targets.keys()) {
      if (!origins.has(new URL(textAfterSpace(key)).origin)) this.targets.delete(key);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const pools = [...this.pools.values()];
    this.pools.clear();
    this.targets.clear();
    await Promise.all(pools.map(closeWithin));
  }

  private poolOf(origin: string, connectMs: number): Pool {
    const key = `${String(connectMs)} ${origin}`;
    const known = this.pools.get(key);
    if (known !== undefined) return known;
    const pool = new Pool(origin, {
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      allowH2: false,
      connect: guardedConnector({ allowPrivate: this.config.ALLOW_PRIVATE_UPSTREAMS }, connectMs + CONNECT_GRACE_MS),
    });
    this.pools.set(key, pool);
    return pool;
  }
}

function textAfterSpace(key: string): string {
  return key.slice(key.indexOf(' ') + 1);
}

async function closeWithin(pool: Pool): Promise<void> {
  const bound = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_WAIT_MS).unref());
  await Promise.race([pool.close().catch(() => undefined), bound]);
  await pool.destroy().catch(() => undefined);
}
