import { NO_MODEL_LIST, UpstreamFailure } from '../domain/failure.js';
import { isRecord, parseJsonOrNull } from '../domain/json.js';
import { ANSWER_BYTES_MAX, type HttpExchange } from '../transport/http-exchange.js';
import type { ProbeResult } from './adapter.js';

const MEDIA_TYPE = /^[\w.+-]{1,40}\/[\w.+-]{1,40}/;

/**
 * The answer to a question for the models, which proves address and key.
 * @param field of the answer that holds the list; some servers answer with the list itself.
 * @throws UpstreamFailure `no_model_list` when something else came with a status of success, such as the page of a proxy.
 */
export async function readModelList(exchange: HttpExchange, field: string): Promise<ProbeResult> {
  const body = await exchange.readAll(ANSWER_BYTES_MAX);
  const parsed = parseJsonOrNull(body.toString('utf8'));
  const list = isRecord(parsed) ? parsed[field] : parsed;
  if (!Array.isArray(list)) throw noModelList(exchange);
  return { status: exchange.statusCode, models: list.length };
}

/** What was seen in place of a list of models. */
export function noModelList(exchange: HttpExchange): UpstreamFailure {
  const [type = 'of no content type'] = MEDIA_TYPE.exec(exchange.header('content-type')) ?? [];
  const said = `the question for the models was answered with status ${exchange.statusCode.toString()}, ${type}`;
  return new UpstreamFailure('operator_fault', NO_MODEL_LIST, { status: exchange.statusCode, said });
}
