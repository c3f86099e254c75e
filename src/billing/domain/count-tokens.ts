/**
 * Token estimates from characters alone, made for every request before it is priced: no tokenizer, no regular
 * expression, no copy of the text. Weights are a little above what OpenAI's tokenizers need for ordinary text.
 */

/** ASCII characters to a token. */
const ASCII_PER_TOKEN = 4;
/** Role, separators and the end mark of one message. */
const TOKENS_PER_MESSAGE = 4;
/** The opening of the answer. */
const TOKENS_PER_ANSWER = 3;
/** A picture, whatever its size. */
const TOKENS_PER_IMAGE = 1_000;
/** Base64 characters of recorded speech to a token (compressed audio at 64 kbit/s is about ten tokens a second). */
const AUDIO_CHARS_PER_TOKEN = 400;
/** Base64 characters of an attached document to a token. */
const FILE_CHARS_PER_TOKEN = 50;
/** Punctuation around one member of a JSON structure. */
const ASCII_PER_MEMBER = 4;
/** ASCII characters of a number, `true` or `null`. */
const ASCII_PER_SCALAR = 4;

/** Adds up characters by weight. */
class CharCount {
  private ascii = 0;
  private wide = 0;
  private fixedTokens = 0;

  /** Counts a text; UTF-16 units outside ASCII count as a token each. */
  text(text: string): void {
    const { length } = text;
    // As many bytes as units means pure ASCII; the engine counts bytes much faster than a loop reads units.
    if (Buffer.byteLength(text) === length) {
      this.ascii += length;
      return;
    }
    let wide = 0;
    for (let at = 0; at < length; at++) if (text.charCodeAt(at) > 0x7f) wide++;
    this.wide += wide;
    this.ascii += length - wide;
  }

  tokens(count: number): void {
    this.fixedTokens += count;
  }

  /** Counts every key and value of a JSON structure, however deep. */
  structure(root: unknown): void {
    const open: unknown[] = [root];
    while (open.length > 0) {
      const value = open.pop();
      if (typeof value === 'string') this.text(value);
      else if (Array.isArray(value)) {
        this.ascii += ASCII_PER_MEMBER * value.length;
        for (const member of value as unknown[]) open.push(member);
      } else if (typeof value === 'object' && value !== null) {
        for (const key of Object.keys(value)) {
          this.ascii += ASCII_PER_MEMBER;
          this.text(key);
          open.push((value as Record<string, unknown>)[key]);
        }
      } else this.ascii += ASCII_PER_SCALAR;
    }
  }

  get total(): number {
    return Math.ceil(this.ascii / ASCII_PER_TOKEN) + this.wide + this.fixedTokens;
  }
}

/**
 * Estimated prompt tokens of a chat request: messages, tools and the schema of the answer.
 * @returns `null` when there are no messages to estimate from.
 */
export function countPromptTokens(body: Readonly<Record<string, unknown>>): number | null {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0) return null;
  const count = new CharCount();
  count.tokens(TOKENS_PER_ANSWER);
  for (const message of messages as unknown[]) countMessage(count, message);
  for (const field of ['tools', 'functions', 'response_format'] as const) {
    const value = body[field];
    if (value !== undefined && value !== null) count.structure(value);
  }
  return count.total;
}

function countMessage(count: CharCount, message: unknown): void {
  count.tokens(TOKENS_PER_MESSAGE);
  if (typeof message !== 'object' || message === null) return;
  for (const [name, value] of Object.entries(message)) {
    if (name === 'role' || value === null) continue;
    if (name === 'content' && Array.isArray(value)) for (const part of value as unknown[]) countPart(count, part);
    else if (typeof value === 'string') count.text(value);
    else count.structure(value);
  }
}

/** One content part; data in base64 counts by its kind, never as text. */
function countPart(count: CharCount, part: unknown): void {
  if (typeof part !== 'object' || part === null) return;
  const fields = part as Record<string, unknown>;
  if (typeof fields['text'] === 'string') count.text(fields['text']);
  else if (fields['type'] === 'image_url' || fields['type'] === 'input_image') count.tokens(TOKENS_PER_IMAGE);
  else if (fields['type'] === 'input_audio') {
    count.tokens(Math.ceil(longestText(fields['input_audio']) / AUDIO_CHARS_PER_TOKEN));
  } else if (fields['type'] === 'file') count.tokens(Math.ceil(longestText(fields['file']) / FILE_CHARS_PER_TOKEN));
  else count.structure(part);
}

/** Characters of the longest text in an object: the data among its labels. */
function longestText(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce<number>(
    (longest, field) => (typeof field === 'string' ? Math.max(longest, field.length) : longest),
    0,
  );
}
