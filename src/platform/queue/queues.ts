import { z } from 'zod';

/** Every queue and the payload of its jobs. The boot fails when one of them has no handler, or two. */
export const QUEUES = {
  /** One job settles every outcome that is due; `bucket` is the time slot that the job is named after. */
  settlement: z.strictObject({ bucket: z.int() }),
} as const satisfies Record<string, z.ZodType>;

export type QueueName = keyof typeof QUEUES;
export type Payload<Name extends QueueName> = z.output<(typeof QUEUES)[Name]>;
export const QUEUE_NAMES = Object.keys(QUEUES) as QueueName[];
