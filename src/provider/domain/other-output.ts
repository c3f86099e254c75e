import type { DeliveredOutput } from './call.js';
import { isRecord, textOf, type JsonRecord } from './json.js';

/** A picture that a model made; Google counts 1,290 tokens for one of 1024 × 1024 points. */
const TOKENS_PER_IMAGE = 1_290;
/** Base64 characters of speech to a token, as for speech in prompts. */
const AUDIO_CHARS_PER_TOKEN = 400;
/** Base64 characters of sealed thoughts to a token: four bytes of text and what sealing adds. */
const SEALED_CHARS_PER_TOKEN = 6;
/** A text as long as this without a space is data. */
const DATA_CHARS_MIN = 512;

/** Fields that describe an answer, or bring it back in the next turn: no output of their own. */
const DESCRIPTIONS: ReadonlySet<string> = new Set([
  'annotations',
  'citations',
  'extra_content',
  'id',
  'index',
  'logprobs',
  'provider_specific_fields',
  'thought_signature',
  'type',
]);

/** Lists of thoughts, as OpenRouter, LiteLLM and this gateway's own adapters write them. */
const THOUGHT_LISTS: ReadonlySet<string> = new Set(['reasoning_details', 'thinking_blocks']);

/**
 * What a field of a message or delta brings beyond the text fields that every client knows: pictures, sound, thoughts in
 * lists, and whatever a vendor invents.
 * @param showsThoughts the answer has brought thoughts as text: a list that repeats them counts only what is sealed.
 */
export function otherOutputOf(field: string, value: unknown, showsThoughts: boolean): DeliveredOutput {
  if (DESCRIPTIONS.has(field)) return { text: '', dataTokens: 0 };
  if (field === 'images' && Array.isArray(value)) {
    return { text: '', dataTokens: TOKENS_PER_IMAGE * value.filter((image) => image !== null).length };
  }
  if (field === 'audio' && isRecord(value)) {
    return { text: textOf(value['transcript']), dataTokens: textOf(value['data']).length / AUDIO_CHARS_PER_TOKEN };
  }
  if (THOUGHT_LISTS.has(field) && Array.isArray(value)) return thoughtsIn(value.filter(isRecord), showsThoughts);
  return anythingIn(value);
}

/** Whether a field brings nothing. */
export function isEmptyField(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

function thoughtsIn(blocks: readonly JsonRecord[], showsThoughts: boolean): DeliveredOutput {
  let text = '';
  let sealedChars = 0;
  for (const block of blocks) {
    if (!showsThoughts) text += textOf(block['text']) + textOf(block['thinking']) + textOf(block['summary']);
    sealedChars += textOf(block['data']).length;
  }
  return { text, dataTokens: sealedChars / SEALED_CHARS_PER_TOKEN };
}

/** Every text in a structure, however deep; data counts like a picture at most. */
function anythingIn(root: unknown): DeliveredOutput {
  const texts: string[] = [];
  let dataTokens = 0;
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value === 'string') {
      if (isData(value)) dataTokens += Math.min(TOKENS_PER_IMAGE, value.length / SEALED_CHARS_PER_TOKEN);
      else texts.push(value);
    } else if (Array.isArray(value)) {
      for (const item of value as unknown[]) open.push(item);
    } else if (isRecord(value)) {
      for (const [name, member] of Object.entries(value)) if (!DESCRIPTIONS.has(name)) open.push(member);
    }
  }
  return { text: texts.reverse().join(' '), dataTokens };
}

function isData(text: string): boolean {
  return text.startsWith('data:') || (text.length >= DATA_CHARS_MIN && !/\s/.test(text.slice(0, DATA_CHARS_MIN)));
}
