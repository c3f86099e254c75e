import { z } from 'zod';
import type { OperationSpec } from '../platform/openapi/index.js';

/** What the API document says about probes. 503 has the same shape as 200. */

const components = z.record(z.string(), z.looseObject({ status: z.enum(['up', 'down']) }));

const report = z
  .looseObject({
    status: z.string(),
    info: components.optional(),
    error: components.optional(),
    details: components.optional(),
  })
  .meta({ id: 'HealthReport' });

const probe = (summary: string): OperationSpec => ({ summary, tag: 'Health', response: report });

export const HEALTH = probe('State of every component; details need a viewer token');
export const HEALTH_LIVE = probe('Whether the process runs');
export const HEALTH_READY = probe('Whether the process may take traffic');

export const METRICS_TEXT: OperationSpec = {
  forObservers: true,
  summary: 'Prometheus metrics of this process; needs a viewer token',
  tag: 'Health',
};
