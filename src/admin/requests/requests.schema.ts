import { z } from 'zod';
import { STAGES } from '../../billing/index.js';

const stage = z
  .looseObject({
    stage: z.enum(STAGES),
    status: z.enum(['passed', 'refused', 'failed', 'pending', 'not_reached']),
    ms: z.number().nullable(),
  })
  .describe('And the facts of the stage.');

export const explanationSchema = z
  .looseObject({
    request_id: z.string(),
    client_request_id: z.string(),
    status: z.int().nullable().describe('HTTP status that the caller saw.'),
    verdict: z.string().describe('One sentence.'),
    next_step: z.string(),
    stages: z.array(stage).describe('Always all nine, in the order of the pipeline.'),
  })
  .meta({ id: 'Explanation' });
