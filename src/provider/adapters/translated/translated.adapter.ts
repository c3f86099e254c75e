import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Clock } from '../../../platform/clock/index.js';
import type { JsonRecord } from '../../domain/json.js';
import { mayLoseChunks } from '../../domain/lost-chunks.js';
import { HttpExchange } from '../../transport/http-exchange.js';
import { throwUnlessSuccess } from '../../transport/refusal.js';
import type { UpstreamPools } from '../../transport/upstream-pools.js';
import type { AdapterCall, ChunkSource, ProbeResult, ProbeTarget, ProviderAdapter } from '../adapter.js';
import { readModelList } from '../model-list.js';
import { callOptionsOf } from './call-options.js';
import { ChunkWriter } from './chunk-writer.js';
import { completionOf } from './completion.js';
import { ExchangeFetch } from './exchange-fetch.js';
import { callFailure } from './failures.js';
import { ForeignHistory } from './foreign-history.js';
import { ToolNames } from './tool-names.js';
import { TranslatedChunkSource } from './translated-chunk-source.js';
import type { Vendor } from './vendor.js';

type Send<Result> = (model: LanguageModelV4, options: LanguageModelV4CallOptions) => PromiseLike<Result>;

/** What a vendor's library answered, over which connection, and what the caller's tools are called there. */
interface Asked<Result> {
  result: Result;
  names: ToolNames;
  connection: ExchangeFetch;
}

/**
 * A vendor with a wire format of its own. The AI SDK's package writes and reads that format; this class gives it OpenAI's
 * requests and takes OpenAI's answers from it. Retries are failover's business, not the SDK's.
 */
export abstract class TranslatedAdapter implements ProviderAdapter {
  readonly name: string;
  readonly usesNetwork = true;
  private readonly foreign: ForeignHistory;

  constructor(
    private readonly vendor: Vendor,
    private readonly pools: UpstreamPools,
    private readonly clock: Clock,
  ) {
    this.name = vendor.name;
    this.foreign = new ForeignHistory(vendor);
  }

  async complete(call: AdapterCall): Promise<JsonRecord> {
    const { result, names } = await this.ask(call, false, (model, options) => model.doGenerate(options));
    return completionOf(result, this.vendor, { modelId: call.endpoint.upstreamModel, createdS: this.nowS(), names });
  }

  async stream(call: AdapterCall): Promise<ChunkSource> {
    let overlap = '';
    const { result, names, connection } = await this.ask(call, true, (model, options) => {
      overlap = trimmedEnd(options);
      return model.doStream({ ...options, includeRawChunks: true });
    });
    const asked = { modelId: call.endpoint.upstreamModel, createdS: this.nowS(), names, overlap };
    return new TranslatedChunkSource(result.stream, connection, new ChunkWriter(this.vendor, asked));
  }

  async probe({ baseUrl, apiKey, watch }: ProbeTarget): Promise<ProbeResult> {
    const { pool, pathPrefix } = this.pools.target(baseUrl, watch.timeouts.connectMs);
    const { path, headers, field } = this.vendor.modelList;
    const given = ['accept', 'application/json', 'accept-encoding', 'identity', 'user-agent', 'joytoken-gateway'];
    if (apiKey !== null) given.push(...headers(apiKey));
    const request = { method: 'GET' as const, path: `${pathPrefix}${path}`, headers: given, body: null };
    const exchange = await HttpExchange.open(pool, request, watch);
    await throwUnlessSuccess(exchange, this.vendor.readRefusal);
    return readModelList(exchange, field);
  }

  /** Asks with the whole history, and when the vendor refuses what another maker has signed, without that. */
  private async ask<Result>(call: AdapterCall, stream: boolean, send: Send<Result>): Promise<Asked<Result>> {
    const { baseUrl, upstreamModel } = call.endpoint;
    let refusal: unknown = null;
    for (const { body, taken } of this.foreign.variants(`${baseUrl} ${upstreamModel}`, call.body)) {
      try {
        const asked = await this.askOnce({ ...call, body }, this.connect(call, stream), send);
        taken();
        return asked;
      } catch (error) {
        if (!this.foreign.isAbout(error)) throw error;
        refusal = error;
      }
    }
    throw refusal;
  }

  private async askOnce<Result>(
    { body, endpoint, apiKey, watch }: AdapterCall,
    connection: ExchangeFetch,
    send: Send<Result>,
  ): Promise<Asked<Result>> {
    const modelId = endpoint.upstreamModel;
    const names = new ToolNames(this.vendor.toolName);
    try {
      const options = await callOptionsOf(body, this.vendor, modelId, names);
      const url = new URL(endpoint.baseUrl);
      const baseUrl = url.origin + url.pathname.replace(/\/+$/, '');
      const model = await this.vendor.model({ modelId, baseUrl, apiKey: apiKey ?? '', fetch: connection.fetch });
      return { result: await send(model, options), names, connection };
    } catch (error) {
      const failure = connection.failure ?? watch.reason ?? callFailure(error, connection.hasAnswer);
      connection.cancel();
      throw failure;
    }
  }

  private connect({ endpoint, watch, body }: AdapterCall, stream: boolean): ExchangeFetch {
    const { pools } = this;
    const { readRefusal } = this.vendor;
    const mender = this.vendor.mender();
    const { baseUrl } = endpoint;
    return new ExchangeFetch({ pools, baseUrl, watch, stream, readRefusal, mender, mayLose: mayLoseChunks(body) });
  }

  private nowS(): number {
    return Math.floor(this.clock.nowMs() / 1000);
  }
}

/**
 * White space at the end of an answer that is to be continued: the SDK cuts it off, as vendors want it, and the continuation
 * then brings it again.
 */
function trimmedEnd({ prompt }: LanguageModelV4CallOptions): string {
  const last = prompt.at(-1);
  const part = last?.role === 'assistant' ? last.content.at(-1) : undefined;
  return part?.type === 'text' ? part.text.slice(part.text.trimEnd().length) : '';
}
