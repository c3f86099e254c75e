import type { IncomingHttpHeaders } from 'node:http';
import type { ChatBody, JsonRecord } from './answer.js';
import type { Behaviour } from './behaviour.js';

/** One server-sent event; without a name it is a `message`. */
export interface Frame {
  data: string;
  event?: string;
  /** Stands before it as it is: a comment, a keep-alive. */
  comment?: string;
}

/** An answer that is no completion. */
export interface Refusal {
  status: number;
  body: string;
  headers?: Record<string, string>;
}

/** A streamed answer, ready to be sent, with the faults that may come in between. */
export interface Script {
  /** What comes before the content. */
  begin: readonly Frame[];
  /** Content; one entry a piece. */
  pieces: readonly (readonly Frame[])[];
  /** Why it ended. */
  finish: readonly Frame[];
  /** Usage and end marker. */
  tail: readonly Frame[];
  /** Sent instead of the rest after a pieces. */
  faults: { brokenChunk: readonly Frame[]; error: readonly Frame[]; limit: readonly Frame[] };
}

/** What the upstream knows of a request before it has read the body. */
export interface CallFacts {
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
}

/** The wire format of a vendor. */
export interface Dialect {
  /** Whether the path (and for lists of models the headers) is one of this vendor's; `null` when it is not. */
  route(method: string, facts: CallFacts): 'chat' | 'models' | null;
  /** The request; `null` when the body is no JSON object. */
  read(raw: string, facts: CallFacts): ChatBody | null;
  /** What this vendor refuses whatever the model: a missing key, a field that does not exist, a broken conversation. */
  check(body: JsonRecord | null, facts: CallFacts): Refusal | null;
  /** What only some models refuse. */
  refuse(behaviour: Behaviour, body: ChatBody): Refusal | null;
  /** An error as this vendor words it; not every vendor has a code of its own. */
  error(status: number, message: string, retryAfterS: number | null, code?: string): Refusal;
  /** A whole answer as JSON text. */
  whole(behaviour: Behaviour, body: ChatBody): string;
  /** A streamed answer. */
  script(behaviour: Behaviour, body: ChatBody): Script;
  /** What ends a line of an event. */
  lineEnd: '\n' | '\r\n';
  models(): string;
}
