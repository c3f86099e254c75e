export interface ChatOptions {
  key?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface ErrorBody {
  error: {
    message: string;
    type: string;
    code: string | null;
    param: string | null;
    request_id: string;
    hint?: string;
  };
}

export interface Metadata {
  request_id: string;
  client_request_id: string;
  model: string;
  model_id: string;
  provider: string;
  tier: string;
  routing: {
    requested_model: string | null;
    selected_model: string;
    reason: string;
    candidates: unknown;
    routing_ms: number;
    fallback_from?: string;
    rescued?: unknown;
  };
  billing: {
    credits_used: string;
    input_tokens: number;
    output_tokens: number;
    cached_input_tokens: number;
    cached_output_tokens: number;
    usage_source: string;
    frozen: string;
    wallet: string;
    receipt: string;
  };
}

export interface ChatUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  cost?: number;
}

export interface Completion {
  id: string;
  model: string;
  choices: {
    message: { role: string; content: string | null; tool_calls?: unknown[]; reasoning_content?: string };
    finish_reason: string;
  }[];
  usage: ChatUsage;
  metadata: Metadata;
}

export interface Chunk {
  id: string;
  object: string;
  model: string;
  choices: {
    index: number;
    delta: { role?: string; content?: string | null; reasoning_content?: string; tool_calls?: unknown[] };
    finish_reason: string | null;
  }[];
  usage?: ChatUsage | null;
  metadata?: Metadata;
  error?: ErrorBody['error'];
}

/** The least body that is valid; the model and anything else comes on top. */
export function prompt(model: string | undefined, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { ...(model === undefined ? {} : { model }), messages: [{ role: 'user', content: 'hi' }], ...more };
}

/** Calls the model door. `body` is sent as it is when it is text, else as JSON. */
export function chat(url: string, body: unknown, options: ChatOptions = {}): Promise<Response> {
  return fetch(`${url}/openai/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.key === undefined ? {} : { authorization: `Bearer ${options.key}` }),
      ...options.headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
}

/** A streamed answer, taken apart. */
export interface StreamedAnswer {
  response: Response;
  /** Payloads of the `data:` lines in order, `[DONE]` included. */
  data: string[];
  /** SSE comments. */
  comments: string[];
  /** The JSON payloads. */
  chunks: Chunk[];
  /** Joined content of the chunks. */
  text: string;
  /** The metadata event, when there is one. */
  metadata: Metadata | undefined;
  /** An error event, when there is one. */
  error: ErrorBody['error'] | undefined;
  done: boolean;
}

/** Streams a call to its end and takes it apart. */
export async function chatStream(
  url: string,
  body: Record<string, unknown>,
  options: ChatOptions = {},
): Promise<StreamedAnswer> {
  const response = await chat(url, { stream: true, ...body }, options);
  return readStream(response);
}

/** Takes an answer of server-sent events apart. @throws when the connection breaks before its end. */
export async function readStream(response: Response): Promise<StreamedAnswer> {
  const lines = (await response.text()).split('\n');
  const data = lines.flatMap((line) => (line.startsWith('data:') ? [line.slice('data:'.length).trim()] : []));
  const chunks = data.filter((item) => item !== '[DONE]').map((item) => JSON.parse(item) as Chunk);
  return {
    response,
    data,
    comments: lines.filter((line) => line.startsWith(':')),
    chunks,
    text: chunks.map(contentOf).join(''),
    metadata: chunks.find((chunk) => chunk.metadata !== undefined)?.metadata,
    error: chunks.find((chunk) => chunk.error !== undefined)?.error,
    done: data.at(-1) === '[DONE]',
  };
}

/** An error event has no choices. */
function contentOf(chunk: Partial<Chunk>): string {
  return chunk.choices?.[0]?.delta.content ?? '';
}

/** Reads a stream until its text holds `needle`; the rest stays unread. */
export async function readUntil(response: Response, needle: string): Promise<string> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  const decoder = new TextDecoder();
  let text = '';
  while (reader !== undefined && !text.includes(needle)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  reader?.releaseLock();
  return text;
}

/** The gateway's id of a request, from its answer. */
export function requestIdOf(response: Response): string {
  const id = response.headers.get('x-daoe-request-id');
  if (id === null) throw new Error('the answer has no X-DAOE-Request-ID');
  return id;
}

/** An error answer, with its status. */
export async function errorOf(response: Response): Promise<ErrorBody['error'] & { status: number }> {
  const { error } = (await response.json()) as ErrorBody;
  return { status: response.status, ...error };
}
