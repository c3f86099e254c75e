import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Clock } from '../../../platform/clock/index.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { ANSWER_BYTES_MAX, HttpExchange } from '../../transport/http-exchange.js';
import { throwUnlessSuccess } from '../../transport/refusal.js';
import type { UpstreamPools } from '../../transport/upstream-pools.js';
import type { AdapterCall, ChunkSource, ProbeResult, ProbeTarget, ProviderAdapter } from '../adapter.js';
import { callOptionsOf } from './call-options.js';
import { ChunkWriter } from './chunk-writer.js';
import { completionOf } from './completion.js';
import { ExchangeFetch } from './exchange-fetch.js';
import { callFailure } from './failures.js';
import { TranslatedChunkSource } from './translated-chunk-source.js';
import type { Vendor } from './vendor.js';

/**
 * A vendor with a wire format of its own. The AI SDK's package writes and reads that format; this class gives it OpenAI's
 * requests and takes OpenAI's answers from it. Retries are failover's business, not the SDK's.
 */
export abstract class TranslatedAdapter implements ProviderAdapter {
  readonly name: string;
  readonly usesNetwork = true;

  constructor(
    private readonly vendor: Vendor,
    private readonly pools: UpstreamPools,
    private readonly clock: Clock,
  ) {
    this.name = vendor.name;
  }

  async complete(call: AdapterCall): Promise<JsonRecord> {
    const { upstreamModel } = call.endpoint;
    const connection = this.connect(call, false);
    const result = await this.ask(call, connection, (model, options) => model.doGenerate(options));
    return completionOf(result, this.vendor, upstreamModel, this.nowS());
  }

  async stream(call: AdapterCall): Promise<ChunkSource> {
    const connection = this.connect(call, true);
    let overlap = '';
    const { stream } = await this.ask(call, connection, (model, options) => {
      overlap = trimmedEnd(options);
      return model.doStream({ ...options, includeRawChunks: true });
    });
    const writer = new ChunkWriter(this.vendor, call.endpoint.upstreamModel, this.nowS(), overlap);
    return new TranslatedChunkSource(stream, connection, writer);
  }

  async probe({ baseUrl, apiKey, watch }: ProbeTarget): Promise<ProbeResult> {
    const { pool, pathPrefix } = this.pools.target(baseUrl, watch.timeouts.connectMs);
    const { path, headers, field } = this.vendor.modelList;
    const given = ['accept', 'application/json', 'accept-encoding', 'identity', 'user-agent', 'joytoken-gateway'];
    if (apiKey !== null) given.push(...headers(apiKey));
    const request = { method: 'GET' as const, path: `${pathPrefix}${path}`, headers: given, body: null };
    const exchange = await HttpExchange.open(pool, request, watch);
    await throwUnlessSuccess(exchange, this.vendor.readRefusal);
    return { status: exchange.statusCode, models: countOf(await exchange.readAll(ANSWER_BYTES_MAX), field) };
  }

  private async ask<Result>(
    { body, endpoint, apiKey, watch }: AdapterCall,
    connection: ExchangeFetch,
    send: (model: Awaited<ReturnType<Vendor['model']>>, options: LanguageModelV4CallOptions) => PromiseLike<Result>,
  ): Promise<Result> {
    const modelId = endpoint.upstreamModel;
    try {
      const options = await callOptionsOf(body, this.vendor, modelId);
      const url = new URL(endpoint.baseUrl);
      const baseUrl = url.origin + url.pathname.replace(/\/+$/, '');
      const model = await this.vendor.model({ modelId, baseUrl, apiKey: apiKey ?? '', fetch: connection.fetch });
      return await send(model, options);
    } catch (error) {
      const failure = connection.failure ?? watch.reason ?? callFailure(error, connection.hasAnswer);
      connection.cancel();
      throw failure;
    }
  }

  private connect({ endpoint, watch }: AdapterCall, stream: boolean): ExchangeFetch {
    const { pools } = this;
    const { readRefusal } = this.vendor;
    const mender = this.vendor.mender();
    return new ExchangeFetch({ pools, baseUrl: endpoint.baseUrl, watch, stream, readRefusal, mender });
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

function countOf(body: Buffer, field: string): number | null {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    const list = isRecord(parsed) ? parsed[field] : null;
    return Array.isArray(list) ? list.length : null;
  } catch {
    return null;
  }
}
