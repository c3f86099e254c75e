/**
 * Answers in the wire format of `generateContent` (ai.google.dev/api/generate-content and …/docs/thought-signatures), one answer
 * whole and the same one as a stream.
 */
type Json = Record<string, unknown>;

const HEAD = { modelVersion: 'gemini-3-flash-preview', responseId: 'mAitaLmkHPPlz7IPvtfUqQ4' };
const SIGNATURE = 'CvcQAdHtim9Xb2FxF8sVv3FlmRh7uOyR1s=';
const RATINGS = [{ category: 'HARM_CATEGORY_HARASSMENT', probability: 'NEGLIGIBLE' }];

const USAGE = {
  promptTokenCount: 1625,
  candidatesTokenCount: 77,
  totalTokenCount: 1714,
  cachedContentTokenCount: 1200,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 1625 }],
  cacheTokensDetails: [{ modality: 'TEXT', tokenCount: 1200 }],
  thoughtsTokenCount: 12,
};

export const PARIS = {
  functionCall: { name: 'get_weather', args: { city: 'Paris', unit: 'C' }, id: 'fc-1' },
  thoughtSignature: SIGNATURE,
};
export const NOW = { functionCall: { name: 'now', args: {}, id: 'fc-2' } };

/** Thoughts, text, two calls of which the first is signed, cached tokens. */
export const WHOLE: Json = {
  ...HEAD,
  candidates: [
    candidate(
      [{ text: 'Two cities, so two calls.', thought: true }, { text: 'Let me look — 天气.' }, PARIS, NOW],
      'STOP',
    ),
  ],
  usageMetadata: USAGE,
};

export const STREAMED: readonly Json[] = [
  chunk([{ text: 'Two cities,', thought: true }]),
  chunk([{ text: ' so two calls.', thought: true }]),
  chunk([{ text: 'Let me look' }]),
  chunk([{ text: ' — 天气.' }]),
  chunk([PARIS, NOW]),
  chunk([{ text: '' }], 'STOP'),
];

/** A stream of nothing but this text; its last part is signed, as Gemini 3 does. */
export function textStream(pieces: readonly string[], finishReason = 'STOP', signature = ''): Json[] {
  const signed = signature === '' ? {} : { thoughtSignature: signature };
  return [...pieces.map((text) => chunk([{ text }])), chunk([{ text: '', ...signed }], finishReason)];
}

/** A whole answer of this text. */
export function textAnswer(text: string, finishReason = 'STOP', more: Json = {}): Json {
  return { ...HEAD, candidates: [{ ...candidate([{ text }], finishReason), ...more }], usageMetadata: USAGE };
}

/** A prompt that was not even tried. */
export const BLOCKED: Json = {
  ...HEAD,
  promptFeedback: { blockReason: 'PROHIBITED_CONTENT', safetyRatings: RATINGS },
  usageMetadata: { promptTokenCount: 8, totalTokenCount: 8 },
};

export function errorBody(code: number, status: string, message: string, details: readonly Json[] = []): Json {
  return { error: { code, message, status, details } };
}

export function chunk(parts: readonly Json[], finishReason: string | null = null): Json {
  return { ...HEAD, candidates: [candidate(parts, finishReason)], usageMetadata: USAGE };
}

function candidate(parts: readonly Json[], finishReason: string | null): Json {
  return { content: { parts, role: 'model' }, index: 0, ...(finishReason === null ? {} : { finishReason }) };
}
