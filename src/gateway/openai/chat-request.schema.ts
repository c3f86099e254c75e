import { z } from 'zod';

const TOKENS_MAX = 100_000_000;
const CHOICES_MAX = 16;

const outputMaximum = z.int({ error: 'must be an integer of at least 1' }).min(1).max(TOKENS_MAX).nullish();

const message = z.looseObject({
  role: z.string({ error: 'must be a string' }).min(1),
  content: z
    .union([z.string(), z.array(z.looseObject({ type: z.string() }))], {
      error: 'must be a string or an array of content parts',
    })
    .nullish(),
});

/**
 * The fields of a chat completion that the gateway itself reads. Everything else passes through unchanged, and `null`
 * means absent.
 */
export const chatRequestSchema = z.looseObject({
  model: z.string({ error: 'must be a string' }).min(1).max(256).nullish(),
  messages: z.array(message, { error: 'must be a non-empty array of messages' }).min(1, 'must not be empty'),
  tier: z.string({ error: 'must be a string' }).nullish(),
  stream: z.boolean({ error: 'must be a boolean' }).nullish(),
  stream_options: z
    .looseObject({ include_usage: z.boolean({ error: 'must be a boolean' }).nullish() }, { error: 'must be an object' })
    .nullish(),
  user: z.string({ error: 'must be a string' }).nullish(),
  temperature: z.number({ error: 'must be a number from 0 to 2' }).min(0).max(2).nullish(),
  top_p: z.number({ error: 'must be a number from 0 to 1' }).min(0).max(1).nullish(),
  max_tokens: outputMaximum,
  max_completion_tokens: outputMaximum,
  n: z
    .int({ error: `must be an integer from 1 to ${CHOICES_MAX}` })
    .min(1)
    .max(CHOICES_MAX)
    .nullish(),
  tools: z.array(z.looseObject({ type: z.string() }), { error: 'must be an array of tools' }).nullish(),
  response_format: z.looseObject({ type: z.string() }, { error: 'must be an object with a type' }).nullish(),
});

export type ChatRequest = z.output<typeof chatRequestSchema>;
