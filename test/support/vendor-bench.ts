import { Clock } from '../../src/platform/clock/index.js';
import type { AdapterCall, ProviderAdapter } from '../../src/provider/adapters/adapter.js';
import { UpstreamPools } from '../../src/provider/transport/upstream-pools.js';
import {
  adapterCall,
  chunksOf,
  sendJson,
  startWireServer,
  stopClocks,
  type Json,
  type WireServer,
} from './vendor-wire.js';

export interface Answer {
  message: Json;
  finish_reason: string;
  usage: unknown;
  /** The whole body. */
  all: Json;
}

/** An adapter on a server of its own, for each test of a file. */
export interface VendorBench {
  readonly adapter: ProviderAdapter;
  readonly wire: WireServer;
  callOf(body: Json, model?: string): AdapterCall;
  /** The body that the vendor gets for this request. */
  sentFor(body: Json, model?: string): Promise<Json>;
  /** The whole answer to a request. */
  answerOf(body?: Json): Promise<Answer>;
  /** The chunks of a streamed answer. */
  chunksOf(body?: Json): Promise<Json[]>;
}

export const HI = { messages: [{ role: 'user', content: 'Hi' }] };

/**
 * @param make the adapter.
 * @param model the one that is called.
 * @param plain a body that the vendor may answer with.
 */
export function vendorBench(
  make: (pools: UpstreamPools, clock: Clock) => ProviderAdapter,
  { model, path, plain }: { model: string; path: string; plain: Json },
): VendorBench {
  const pools = new UpstreamPools({ ALLOW_PRIVATE_UPSTREAMS: true });
  const adapter = make(pools, new Clock());
  let wire: WireServer;
  beforeEach(async () => {
    wire = await startWireServer();
    wire.answer = sendJson(plain);
  });
  afterEach(() => {
    stopClocks();
    return wire.close();
  });
  afterAll(() => pools.onApplicationShutdown());
  const callOf = (body: Json, name = model): AdapterCall =>
    adapterCall(`${wire.url}${path}`, body, { upstreamModel: name });
  return {
    adapter,
    get wire() {
      return wire;
    },
    callOf,
    async sentFor(body, name) {
      await adapter.complete(callOf(body, name));
      return wire.seen.at(-1)?.body ?? {};
    },
    async answerOf(body = HI) {
      const all = await adapter.complete(callOf(body));
      const [choice] = all['choices'] as [{ message: Json; finish_reason: string }];
      return { ...choice, usage: all['usage'], all };
    },
    chunksOf: (body = HI) => chunksOf(adapter, callOf(body)),
  };
}
