import { z } from 'zod';

const TOKENS_MAX = 2_147_483_647;
const CHOICES_MAX = 16;
const MODEL_CHARS_MAX = 256;

const outputMaximum = numberFrom(z.int, 1, TOKENS_MAX, 'an integer');
const modelError = `must be a string of 1 to ${MODEL_CHARS_MAX} characters`;
const roleError = 'must be a string that is not empty';
const contentError = 'must be a string or an array of content parts';
const messagesError = 'must be a non-empty array of messages';
const toolsError = 'must be an array of tools';

const partType = z.string({ error: "must be a string such as 'text' or 'image_url'" });
const part = z.looseObject({ type: partType }, { error: 'must be an object with a type' });

/** One message. `isMessage` says the same of thousands of them in no time. */
export const messageSchema = z.looseObject(
  {
    role: z.string({ error: roleError }).min(1, roleError),
    content: z.union([z.string(), z.array(part)], { error: contentError }).nullish(),
  },
  { error: 'must be an object' },
);

const toolType = z.string({ error: "must be a string such as 'function'" });

/** One tool; see `isTool`. */
export const toolSchema = z.looseObject({ type: toolType }, { error: 'must be an object' });

/**
 * The fields of a chat completion that the gateway itself reads. Everything else passes through unchanged, and `null`
 * means absent.
 */
export const chatRequestSchema = z.looseObject({
  model: z.string({ error: modelError }).min(1, modelError).max(MODEL_CHARS_MAX, modelError).nullish(),
  messages: z.array(messageSchema, { error: messagesError }).min(1, 'must not be empty'),
  tier: z.string({ error: 'must be a string' }).nullish(),
  stream: z.boolean({ error: 'must be a boolean' }).nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean({ error: 'must be a boolean' }).nullish() }, { error: 'must be an object' })
    .nullish(),
  user: z.string({ error: 'must be a string' }).nullish(),
  temperature: numberFrom(z.number, 0, 2, 'a number'),
  top_p: numberFrom(z.number, 0, 1, 'a number'),
  max_tokens: outputMaximum,
  max_completion_tokens: outputMaximum,
  n: numberFrom(z.int, 1, CHOICES_MAX, 'an integer'),
  tools: z.array(toolSchema, { error: toolsError }).nullish(),
  response_format: z
    .looseObject({ type: z.string({ error: 'must be a string' }) }, { error: 'must be an object with a type' })
    .nullish(),
});

/** The same without the items of its lists. */
export const headSchema = chatRequestSchema.extend({
  messages: z.array(z.unknown(), { error: messagesError }).min(1, 'must not be empty'),
  tools: z.array(z.unknown(), { error: toolsError }).nullish(),
});

/** An optional number within bounds, with one message for everything that it is not. */
function numberFrom(
  type: (params: { error: string }) => z.ZodNumber,
  min: number,
  max: number,
  what: string,
): z.ZodOptional<z.ZodNullable<z.ZodNumber>> {
  const error = `must be ${what} from ${min} to ${max}`;
  return type({ error }).min(min, error).max(max, error).nullish();
}

export type ChatRequest = z.output<typeof chatRequestSchema>;
