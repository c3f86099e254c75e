import { Injectable } from '@nestjs/common';
import { UpstreamFailure } from '../../domain/failure.js';
import type { JsonRecord } from '../../domain/json.js';
import { ANSWER_BYTES_MAX, HttpExchange } from '../../transport/http-exchange.js';
import { throwUnlessSuccess } from '../../transport/refusal.js';
import { UpstreamPools } from '../../transport/upstream-pools.js';
import type { AdapterCall, ChunkSource, ProbeResult, ProbeTarget, ProviderAdapter } from '../adapter.js';
import { noModelList, readModelList } from '../model-list.js';
import { azurePrefix, azureResource, isAzure } from './azure.js';
import { readCompletion } from './completion.js';
import { completionOfEvents, looksLikeEvents } from './completion-of-events.js';
import type { Concession } from './concession-rule.js';
import { conceded, Concessions, concessionsFor } from './concessions.js';
import { OpenAiChunkSource } from './openai-chunk-source.js';
import { upstreamBody } from './request-body.js';

const COMPLETIONS_PATH = '/chat/completions';

/** An upstream that refuses one field after the other names at most these many. */
const REQUESTS_MAX = 8;

/** OpenAI and everything that speaks its wire format: the body passes through, the answer too. */
@Injectable()
export class OpenAiAdapter implements ProviderAdapter {
  readonly name = 'openai';
  readonly usesNetwork = true;
  private readonly concessions = new Concessions();

  constructor(private readonly pools: UpstreamPools) {}

  async complete(call: AdapterCall): Promise<JsonRecord> {
    const exchange = await this.open(call, false);
    const body = await exchange.readAll(ANSWER_BYTES_MAX);
    return looksLikeEvents(body) ? completionOfEvents(body) : readCompletion(body);
  }

  async stream(call: AdapterCall): Promise<ChunkSource> {
    const exchange = await this.open(call, true);
    // Other content types prove nothing: servers label events as JSON, and JSON as events.
    if (exchange.header('content-type').toLowerCase().includes('html')) {
      exchange.cancel();
      throw new UpstreamFailure('endpoint_fault', 'not_a_stream', { status: exchange.statusCode });
    }
    return new OpenAiChunkSource(exchange);
  }

  async probe({ baseUrl, apiKey, watch }: ProbeTarget): Promise<ProbeResult> {
    const { pool, pathPrefix, search } = this.pools.target(baseUrl, watch.timeouts.connectMs);
    const request = {
      method: 'GET' as const,
      path: `${isAzure(baseUrl) ? azureResource(pathPrefix) : pathPrefix}/models${search}`,
      headers: headersFor(baseUrl, apiKey, 'application/json'),
      body: null,
    };
    const exchange = await HttpExchange.open(pool, request, watch);
    // Some servers have no list of models.
    if (exchange.statusCode === 404 || exchange.statusCode === 405) {
      exchange.finish();
      throw noModelList(exchange);
    }
    await throwUnlessSuccess(exchange);
    return readModelList(exchange, 'data');
  }

  /**
   * Asks as OpenAI is asked; what the upstream refuses although OpenAI takes it is left out or renamed, now and in the
   * next calls.
   */
  private async open(call: AdapterCall, stream: boolean): Promise<HttpExchange> {
    const { baseUrl, upstreamModel } = call.endpoint;
    const name = `${baseUrl} ${upstreamModel}`;
    const known = this.concessions.of(name);
    const made = new Set<Concession>(known);
    for (let request = 1; ; request += 1) {
      try {
        const exchange = await this.post(call, writtenBody(call, stream, made), stream);
        if (made.size > known.length) this.concessions.note(name, [...made]);
        return exchange;
      } catch (error) {
        if (!(error instanceof UpstreamFailure) || error.callerFault === null || request === REQUESTS_MAX) throw error;
        const more = concessionsFor(error.callerFault, requestBody(call, stream, made));
        if (more.length === 0) throw error;
        for (const concession of more) made.add(concession);
      }
    }
  }

  private async post(call: AdapterCall, body: string, stream: boolean): Promise<HttpExchange> {
    const { baseUrl, upstreamModel } = call.endpoint;
    const { pool, pathPrefix, search } = this.pools.target(baseUrl, call.watch.timeouts.connectMs);
    const headers = headersFor(baseUrl, call.apiKey, stream ? 'text/event-stream' : 'application/json');
    headers.push('content-type', 'application/json');
    const prefix = isAzure(baseUrl) ? azurePrefix(pathPrefix, upstreamModel) : pathPrefix;
    const path = `${prefix}${COMPLETIONS_PATH}${search}`;
    const exchange = await HttpExchange.open(pool, { method: 'POST', path, headers, body }, call.watch);
    await throwUnlessSuccess(exchange);
    return exchange;
  }
}

function requestBody({ body, endpoint }: AdapterCall, stream: boolean, made: ReadonlySet<Concession>): JsonRecord {
  const written = upstreamBody(body, endpoint.upstreamModel, stream);
  return made.size === 0 ? written : conceded(written, made);
}

function writtenBody(call: AdapterCall, stream: boolean, made: ReadonlySet<Concession>): string {
  if (made.size > 0) return JSON.stringify(requestBody(call, stream, made));
  const { upstreamModel } = call.endpoint;
  const known = call.written.get(upstreamModel);
  if (known !== undefined) return known;
  const written = JSON.stringify(upstreamBody(call.body, upstreamModel, stream));
  call.written.set(upstreamModel, written);
  return written;
}

/** Only these headers are sent; none of the caller's are. */
function headersFor(baseUrl: string, apiKey: string | null, accept: string): string[] {
  const headers = ['accept', accept, 'accept-encoding', 'identity', 'user-agent', 'joytoken-gateway'];
  if (apiKey === null) return headers;
  if (isAzure(baseUrl)) headers.push('api-key', apiKey);
  else headers.push('authorization', `Bearer ${apiKey}`);
  return headers;
}
