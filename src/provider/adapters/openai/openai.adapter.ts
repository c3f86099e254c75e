import { Injectable } from '@nestjs/common';
import { UpstreamFailure } from '../../domain/failure.js';
import { isRecord, type JsonRecord } from '../../domain/json.js';
import { ANSWER_BYTES_MAX, HttpExchange } from '../../transport/http-exchange.js';
import { refuseEncoded, throwUnlessSuccess } from '../../transport/refusal.js';
import { UpstreamPools } from '../../transport/upstream-pools.js';
import type { AdapterCall, ChunkSource, ProbeResult, ProbeTarget, ProviderAdapter } from '../adapter.js';
import { chunksOfCompletion, ReadyChunkSource } from '../synthetic-chunks.js';
import { readCompletion } from './completion.js';
import { OpenAiChunkSource } from './openai-chunk-source.js';
import { upstreamBody } from './request-body.js';

const COMPLETIONS_PATH = '/chat/completions';

/** OpenAI and everything that speaks its wire format: the body passes through, the answer too. */
@Injectable()
export class OpenAiAdapter implements ProviderAdapter {
  readonly name = 'openai';
  readonly usesNetwork = true;

  constructor(private readonly pools: UpstreamPools) {}

  async complete(call: AdapterCall): Promise<JsonRecord> {
    const exchange = await this.post(call, writtenBody(call, false), 'application/json');
    return readCompletion(await exchange.readAll(ANSWER_BYTES_MAX));
  }

  async stream(call: AdapterCall): Promise<ChunkSource> {
    const exchange = await this.openStream(call);
    const contentType = exchange.header('content-type').toLowerCase();
    if (contentType.includes('json')) {
      // Some servers ignore `stream` for some models.
      return new ReadyChunkSource(chunksOfCompletion(readCompletion(await exchange.readAll(ANSWER_BYTES_MAX))));
    }
    if (contentType.includes('html')) {
      exchange.cancel();
      throw new UpstreamFailure('endpoint_fault', 'not_a_stream', { status: exchange.statusCode });
    }
    return new OpenAiChunkSource(exchange);
  }

  async probe({ baseUrl, apiKey, watch }: ProbeTarget): Promise<ProbeResult> {
    const { pool, pathPrefix, search } = this.pools.target(baseUrl, watch.timeouts.connectMs);
    const request = {
      method: 'GET' as const,
      path: `${pathPrefix}/models${search}`,
      headers: headersFor(apiKey, 'application/json'),
      body: null,
    };
    const exchange = await HttpExchange.open(pool, request, watch);
    // A server without a list of models still answers: address and TLS are right.
    if (exchange.statusCode === 404 || exchange.statusCode === 405) {
      exchange.finish();
      return { status: exchange.statusCode, models: null };
    }
    await throwUnlessSuccess(exchange);
    return { status: exchange.statusCode, models: countModels(await exchange.readAll(ANSWER_BYTES_MAX)) };
  }

  /** A stream with usage asked for; without, when the upstream refuses exactly that and the caller did not ask for it. */
  private async openStream(call: AdapterCall): Promise<HttpExchange> {
    try {
      return await this.post(call, writtenBody(call, true), 'text/event-stream');
    } catch (error) {
      if (!refusesStreamOptions(error) || isRecord(call.body['stream_options'])) throw error;
      const plain = JSON.stringify(upstreamBody(call.body, call.endpoint.upstreamModel, true, false));
      return this.post(call, plain, 'text/event-stream');
    }
  }

  private async post(call: AdapterCall, body: string, accept: string): Promise<HttpExchange> {
    const { pool, pathPrefix, search } = this.pools.target(call.endpoint.baseUrl, call.watch.timeouts.connectMs);
    const headers = headersFor(call.apiKey, accept);
    headers.push('content-type', 'application/json');
    const path = `${pathPrefix}${COMPLETIONS_PATH}${search}`;
    const exchange = await HttpExchange.open(pool, { method: 'POST', path, headers, body }, call.watch);
    await throwUnlessSuccess(exchange);
    refuseEncoded(exchange);
    return exchange;
  }
}

function writtenBody(call: AdapterCall, stream: boolean): string {
  const { upstreamModel } = call.endpoint;
  const known = call.written.get(upstreamModel);
  if (known !== undefined) return known;
  const written = JSON.stringify(upstreamBody(call.body, upstreamModel, stream));
  call.written.set(upstreamModel, written);
  return written;
}

/** Only these headers are sent; none of the caller's are. */
function headersFor(apiKey: string | null, accept: string): string[] {
  const headers = ['accept', accept, 'accept-encoding', 'identity', 'user-agent', 'joytoken-gateway'];
  if (apiKey !== null) headers.push('authorization', `Bearer ${apiKey}`);
  return headers;
}

function refusesStreamOptions(error: unknown): boolean {
  return error instanceof UpstreamFailure && /stream_options/.test(error.callerFault?.message ?? '');
}

function countModels(body: Buffer): number | null {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(parsed) && Array.isArray(parsed['data']) ? parsed['data'].length : null;
  } catch {
    return null;
  }
}
