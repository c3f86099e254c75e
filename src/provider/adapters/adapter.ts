import type { AttemptWatch } from '../attempt/attempt-watch.js';
import type { Endpoint } from '../domain/endpoint.js';
import type { JsonRecord } from '../domain/json.js';

/** One attempt at one endpoint, as an adapter sees it. */
export interface AdapterCall {
  endpoint: Endpoint;
  /** The provider's own key; `null` when it needs none. The caller's never gets here. */
  apiKey: string | null;
  /** The caller's request in OpenAI's shape, without gateway-only fields; `model` and `stream_options` are the adapter's. */
  body: Readonly<JsonRecord>;
  /** The same request as it was last written for an upstream model: an adapter need not write it twice. */
  written: Map<string, string>;
  /** Time-outs and the off switch. An adapter tells it what it waits for and stops at once when it is cancelled. */
  watch: AttemptWatch;
}

/** One payload of a stream: an OpenAI chunk as JSON text, and the name of its event (`message` unless told otherwise). */
export interface Payload {
  data: string;
  event: string;
}

/** The chunks of one streamed answer, in OpenAI's shape, pulled as they arrive. */
export interface ChunkSource {
  /**
   * All payloads that have arrived since the last call, waiting for some when there are none. A read that brought bytes
   * but no payload (comments) may answer an empty list.
   * @returns `null` when the answer has ended.
   * @throws UpstreamFailure when it broke; the reason of the watch when that ended it.
   */
  read(): Promise<readonly Payload[] | null>;
  /** Whether the vendor's own end marker came; only then is an answer without a finish reason complete. */
  readonly hasEndMarker: boolean;
  /** Unreadable events that the source itself left out. */
  readonly lostEvents?: number;
  /** Ends it at once: the upstream stops generating. Harmless after the end. */
  cancel(): void;
}

export interface ProbeResult {
  status: number | null;
  /** Models that the provider offers under this key, when it says so. */
  models: number | null;
}

export interface ProbeTarget {
  baseUrl: string;
  apiKey: string | null;
  watch: AttemptWatch;
}

/**
 * A vendor. An adapter turns a request in OpenAI's shape into an answer in OpenAI's shape, once, at one endpoint.
 * Everything else is common to all vendors: order of endpoints, retries, breakers, the wait for the first content,
 * usage, rescue.
 */
export interface ProviderAdapter {
  /** Folder name; the `adapter` of a provider. */
  readonly name: string;
  /** Whether it calls a server: then `base_url` is a public http(s) URL, else it is `<name>:`. */
  readonly usesNetwork: boolean;
  /**
   * A whole answer: a completion with at least one choice.
   * @throws UpstreamFailure with its class; the reason of the watch when that ended it.
   */
  complete(call: AdapterCall): Promise<JsonRecord>;
  /**
   * A streamed answer, opened: resolves with the headers of a success.
   * @throws UpstreamFailure with its class; the reason of the watch when that ended it.
   */
  stream(call: AdapterCall): Promise<ChunkSource>;
  /**
   * Asks the provider a question that costs nothing, to see whether address and key are right.
   * @throws UpstreamFailure with its class.
   */
  probe(target: ProbeTarget): Promise<ProbeResult>;
}
