import {
  callsOf,
  countsOf,
  hasThoughts,
  isCut,
  isRecord,
  piecesOf,
  readJson,
  recordsOf,
  SIGNATURE,
  THOUGHTS,
  type ChatBody,
  type JsonRecord,
  type ToolCall,
} from '../answer.js';
import type { Behaviour } from '../behaviour.js';
import type { CallFacts, Dialect, Frame, Refusal, Script } from '../dialect.js';
import { checkGemini, geminiError, refuseGemini } from './gemini-refusals.js';

const METHOD = /\/models\/([^/:]+):(generateContent|streamGenerateContent)$/;

/** Gemini's own API. */
export const geminiDialect: Dialect = {
  lineEnd: '\r\n',

  route(method: string, { path, headers }: CallFacts) {
    if (method === 'POST' && METHOD.test(path)) return 'chat';
    const isList = method === 'GET' && path.endsWith('/models');
    return isList && (headers['x-goog-api-key'] !== undefined || path.includes('/v1beta/')) ? 'models' : null;
  },

  read(raw: string, { path }: CallFacts): ChatBody | null {
    const json = readJson(raw);
    const [, model, method] = METHOD.exec(path) ?? [];
    if (json === null || model === undefined) return null;
    const contents = recordsOf(json['contents']);
    const parts = contents.flatMap((content) => recordsOf(content['parts']));
    const config = json['generationConfig'];
    const outputMax = isRecord(config) ? config['maxOutputTokens'] : undefined;
    return {
      model: decodeURIComponent(model),
      stream: method === 'streamGenerateContent',
      includeUsage: true,
      outputMax: typeof outputMax === 'number' ? outputMax : null,
      promptChars: JSON.stringify([json['systemInstruction'], contents]).length,
      prefill: prefillOf(contents.at(-1)),
      images: imagesOf(parts),
      hasTools: recordsOf(json['tools']).length > 0,
      hasToolResult: parts.some((part) => 'functionResponse' in part),
      forcedTool: null,
      json,
      raw,
    };
  },

  check: checkGemini,

  refuse: refuseGemini,

  error(status: number, message: string, retryAfterS: number | null): Refusal {
    return geminiError(status, message, retryAfterS);
  },

  whole(behaviour: Behaviour, body: ChatBody): string {
    const usage = behaviour.name === 'usage-absent' ? {} : { usageMetadata: usageOf(behaviour, body) };
    if (behaviour.name === 'refusal') return JSON.stringify({ ...BLOCKED, ...usage, ...head(body) });
    const calls = callsOf(behaviour, body, false);
    const text = calls.length > 0 ? [] : [{ text: piecesOf(behaviour, body).join('') }];
    const parts = [...thoughtParts(behaviour, [THOUGHTS.join('')]), ...text, ...callParts(behaviour, calls)];
    return JSON.stringify({ candidates: [candidate(parts, finishOf(behaviour, body))], ...usage, ...head(body) });
  },

  script(behaviour: Behaviour, body: ChatBody): Script {
    return scriptOf(behaviour, body);
  },

  models: () => JSON.stringify({ models: [{ name: 'models/ok', displayName: 'ok' }] }),
};

const BLOCKED = { promptFeedback: { blockReason: 'PROHIBITED_CONTENT', safetyRatings: [] } };

/** Gemini has no end marker and no roles: chunks of parts, each with the usage so far. */
function scriptOf(behaviour: Behaviour, body: ChatBody): Script {
  const calls = callsOf(behaviour, body, false);
  const thoughts = thoughtParts(behaviour, THOUGHTS);
  const texts =
    calls.length > 0 || behaviour.name === 'refusal' ? [] : piecesOf(behaviour, body).map((text) => ({ text }));
  const parts: JsonRecord[] = [...thoughts, ...texts, ...callParts(behaviour, calls)];
  const isHuge = behaviour.name === 'huge';
  const hugePiece = isHuge ? [chunk(body, [candidate(parts.slice(0, 1), null)])] : [];
  const pieces = parts.map((part, at) =>
    isHuge ? hugePiece : [chunk(body, [candidate([part], null)], pieceUsage(behaviour, body, at + 1, parts.length))],
  );
  const usage = lateUsage(behaviour, body);
  const last =
    behaviour.name === 'refusal'
      ? [frame({ ...BLOCKED, ...usage, ...head(body) })]
      : [chunk(body, [candidate([{ text: '' }], finishOf(behaviour, body))], usage)];
  return {
    begin: [],
    pieces,
    finish: last,
    tail: [],
    faults: {
      brokenChunk: [{ data: '{"candidates":[{"content":{"parts":[{"text":" x"' }],
      error: [{ data: geminiError(503, 'The model at http://10.1.2.3:8000/v1 is overloaded.').body }],
      limit: [{ data: geminiError(429, 'Resource has been exhausted (e.g. check quota).', 7).body }],
    },
  };
}

function pieceUsage(behaviour: Behaviour, body: ChatBody, sent: number, pieces: number): JsonRecord {
  const { name } = behaviour;
  if (name === 'usage-absent') return {};
  if (name === 'usage-null') return { usageMetadata: null };
  const isWhole = (name === 'usage-early' && sent === 1) || (name === 'usage-on-content' && sent === pieces);
  if (isWhole) return { usageMetadata: usageOf(behaviour, body) };
  if (name === 'usage-early' || name === 'usage-on-content') return {};
  return { usageMetadata: usageOf(behaviour, body, sent) };
}

function lateUsage(behaviour: Behaviour, body: ChatBody): JsonRecord {
  if (['usage-absent', 'usage-early', 'usage-on-content'].includes(behaviour.name)) return {};
  return { usageMetadata: usageOf(behaviour, body) };
}

/** Usage in Gemini's shape: cached tokens inside the prompt, thoughts beside the answer, zeros left out. */
function usageOf(behaviour: Behaviour, body: ChatBody, sent?: number): JsonRecord {
  const thoughts = hasThoughts(behaviour) ? THOUGHTS.length : 0;
  const counts = countsOf(behaviour, body, thoughts, sent);
  const thought = Math.min(counts.output, counts.thoughts);
  const answer = counts.output - thought;
  return {
    promptTokenCount: counts.prompt,
    ...(answer === 0 ? {} : { candidatesTokenCount: answer }),
    totalTokenCount: counts.prompt + counts.output,
    ...(counts.cached === 0 ? {} : { cachedContentTokenCount: counts.cached }),
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: counts.prompt }],
    ...(thought === 0 ? {} : { thoughtsTokenCount: thought }),
  };
}

function finishOf(behaviour: Behaviour, body: ChatBody): string | null {
  if (behaviour.name === 'no-finish') return null;
  if (behaviour.name === 'filtered') return 'SAFETY';
  return isCut(behaviour, body) ? 'MAX_TOKENS' : 'STOP';
}

function thoughtParts({ name }: Behaviour, texts: readonly string[]): JsonRecord[] {
  return name === 'reasoning' || name === 'signed' ? texts.map((text) => ({ text, thought: true })) : [];
}

/** The first call of a turn carries the signature of the thoughts that led to it. */
function callParts({ name }: Behaviour, calls: readonly ToolCall[]): JsonRecord[] {
  return calls.map((call, at) => ({
    functionCall: { name: call.name, args: JSON.parse(call.arguments) as unknown },
    ...(name === 'signed' && at === 0 ? { thoughtSignature: SIGNATURE } : {}),
  }));
}

function candidate(parts: readonly JsonRecord[], finishReason: string | null): JsonRecord {
  return { content: { parts, role: 'model' }, ...(finishReason === null ? {} : { finishReason }), index: 0 };
}

function chunk(body: ChatBody, candidates: readonly JsonRecord[], usage: JsonRecord = {}): Frame {
  return frame({ candidates, ...usage, ...head(body) });
}

function frame(payload: JsonRecord): Frame {
  return { data: JSON.stringify(payload) };
}

function head({ model }: ChatBody): JsonRecord {
  return { modelVersion: model, responseId: 'upstream' };
}

function prefillOf(last: JsonRecord | undefined): string {
  if (last?.['role'] !== 'model') return '';
  return recordsOf(last['parts'])
    .map(({ text }) => (typeof text === 'string' ? text : ''))
    .join('');
}

function imagesOf(parts: readonly JsonRecord[]): string[] {
  return parts.flatMap(({ inlineData, fileData }) => {
    if (isRecord(inlineData)) return [`data:${String(inlineData['mimeType'])};base64,${String(inlineData['data'])}`];
    return isRecord(fileData) ? [String(fileData['fileUri'])] : [];
  });
}
