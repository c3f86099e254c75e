import { calledText, toolText } from '../domain/completion-text.js';
import { isRecord, textOf, type JsonRecord } from '../domain/json.js';
import { isEmptyField, otherOutputOf } from '../domain/other-output.js';
import type { Channel, Piece } from './chunk.js';

/** Delta fields that are text, by where it belongs. */
const TEXT_FIELDS: readonly (readonly [field: string, channel: Channel])[] = [
  ['content', 'content'],
  ['reasoning_content', 'reasoning'],
  ['reasoning', 'reasoning'],
  ['refusal', 'refusal'],
];

/** Delta fields that are read, or say nothing by themselves; any other one that is set is output of another kind. */
const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...TEXT_FIELDS.map(([field]) => field),
  'role',
  'tool_calls',
  'function_call',
  'name',
  'token_id',
]);

/** Reads what the deltas of one stream carry, of every channel. */
export class DeltaReader {
  hasToolCalls = false;
  hasOtherOutput = false;
  private showsThoughts = false;
  private dataTokens = 0;

  /** Tokens of output that is not text, since this was last asked. */
  takeDataTokens(): number {
    const { dataTokens } = this;
    this.dataTokens = 0;
    return dataTokens;
  }

  /**
   * Reads the delta of a choice.
   * @param pieces gets its text.
   * @returns whether it carries something a caller waits for, beyond text.
   */
  read({ delta: sent, finish_reason: finish }: JsonRecord, pieces: Piece[]): boolean {
    const delta = sent as JsonRecord;
    let isContent = false;
    for (const [field, channel] of TEXT_FIELDS) {
      const text = delta[field];
      // What a filter says when it ends an answer was not written by the model.
      if (channel === 'refusal' && finish === 'content_filter') continue;
      // Some vendors send the same reasoning under both names: count it once.
      if (field === 'reasoning' && textOf(delta['reasoning_content']) !== '') continue;
      if (typeof text !== 'string' || text === '') continue;
      addText(pieces, channel, text);
      this.showsThoughts ||= channel === 'reasoning';
    }
    // Parts other than text (a picture) stay as they are.
    if (Array.isArray(delta['content']) && this.readOther('content', delta['content'], pieces)) isContent = true;
    if (this.readToolCalls(delta, pieces)) isContent = true;
    for (const field in delta) {
      if (!KNOWN_FIELDS.has(field) && this.readOther(field, delta[field], pieces)) isContent = true;
    }
    return isContent;
  }

  private readOther(field: string, value: unknown, pieces: Piece[]): boolean {
    if (isEmptyField(value)) return false;
    const { text, dataTokens } = otherOutputOf(field, value, this.showsThoughts);
    addText(pieces, 'other', text);
    this.dataTokens += dataTokens;
    this.hasOtherOutput = true;
    return true;
  }

  private readToolCalls(delta: JsonRecord, pieces: Piece[]): boolean {
    const { tool_calls: calls, function_call: legacyCall } = delta;
    const texts = isRecord(legacyCall) ? [calledText(legacyCall)] : [];
    if (Array.isArray(calls)) texts.push(...calls.map(toolText));
    if (texts.length === 0) return false;
    this.hasToolCalls = true;
    for (const text of texts) addText(pieces, 'tool', text);
    return true;
  }
}

function addText(pieces: Piece[], channel: Channel, text: string): void {
  if (text !== '') pieces.push({ channel, text });
}
