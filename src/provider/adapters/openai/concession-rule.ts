import type { JsonRecord } from '../../domain/json.js';
import type { ExtraField } from './message-concessions.js';

/** What an upstream is spared because it refuses it, although OpenAI, or the vendor that made a history, takes it. */
export type Concession =
  | 'no_stream_options'
  | 'max_tokens'
  | 'max_completion_tokens'
  | 'system_role'
  | 'no_thoughts'
  | 'some_thoughts'
  | 'fill_signatures'
  | 'skip_signatures'
  | 'plain_call_ids'
  | 'nine_character_call_ids'
  | `no_${ExtraField}`;

export interface Rule {
  concession: Concession;
  /** How a refusal names what it refuses. */
  names: RegExp;
  /** What it says of that; absent: that it is not taken as such. */
  refuses?: RegExp;
  /** Whether a refusal means this, where it takes more than words to know it; instead of the two above. */
  isMeant?: (said: string, body: Readonly<JsonRecord>) => boolean;
  applies: (body: Readonly<JsonRecord>) => boolean;
  change: (body: JsonRecord) => void;
}
