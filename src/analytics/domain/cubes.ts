import type { Grain } from './segments.js';
import type { Grouping, SummaryFilter } from './summary.js';

/** What sums of usage can be told apart by. */
export const DIMENSIONS = ['account_id', 'api_key_id', 'model_key', 'provider', 'tier', 'status'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export type CubeName = 'all' | 'account' | 'key' | 'pool' | 'model' | 'provider' | 'tier' | 'status' | 'none';

export interface Cube {
  name: CubeName;
  dimensions: readonly Dimension[];
  /** How long the times are that it has sums of, the longest first; shorter ones are in the cube of all dimensions. */
  grains: readonly Grain[];
}

const EVERY_GRAIN: readonly Grain[] = ['month', 'week', 'day', 'shift', 'hour', 'quarter'];

/**
 * The smallest first. A cube of few rows has every grain. By account and by key there are nearly as many rows in a quarter of an
 * hour as there are requests, so those are kept once, in the cube of all dimensions.
 */
export const CUBES: readonly Cube[] = [
  { name: 'none', dimensions: [], grains: EVERY_GRAIN },
  { name: 'tier', dimensions: ['tier'], grains: EVERY_GRAIN },
  { name: 'status', dimensions: ['status'], grains: EVERY_GRAIN },
  { name: 'provider', dimensions: ['provider'], grains: EVERY_GRAIN },
  { name: 'model', dimensions: ['model_key'], grains: EVERY_GRAIN },
  {
    name: 'pool',
    dimensions: ['model_key', 'provider', 'tier', 'status'],
    grains: ['month', 'week', 'day', 'shift', 'hour'],
  },
  { name: 'account', dimensions: ['account_id'], grains: ['month', 'week', 'day', 'shift', 'hour'] },
  { name: 'key', dimensions: ['account_id', 'api_key_id'], grains: ['month', 'week', 'day', 'shift', 'hour'] },
  { name: 'all', dimensions: DIMENSIONS, grains: ['month', 'week', 'day', 'quarter'] },
];

/** The cube of all dimensions, which has what others lack. */
export const WHOLE: Cube = CUBES.find(({ name }) => name === 'all') ?? { name: 'all', dimensions: [], grains: [] };

const OF_GROUPING: Readonly<Partial<Record<Grouping, Dimension>>> = {
  account: 'account_id',
  key: 'api_key_id',
  model: 'model_key',
  provider: 'provider',
  tier: 'tier',
  status: 'status',
};

const OF_FILTER: readonly (readonly [keyof SummaryFilter, Dimension])[] = [
  ['accountId', 'account_id'],
  ['apiKeyId', 'api_key_id'],
  ['modelKey', 'model_key'],
  ['provider', 'provider'],
  ['tier', 'tier'],
  ['status', 'status'],
];

/** What a summary filters by, with the values. */
export function filtered(filter: SummaryFilter): [dimension: Dimension, value: string][] {
  return OF_FILTER.flatMap(([name, dimension]) => {
    const value = filter[name];
    return value === undefined ? [] : [[dimension, value] as [Dimension, string]];
  });
}

/** The smallest cube that has whatever a summary groups and filters by. */
export function cubeFor(groupBy: readonly Grouping[], filter: SummaryFilter): Cube {
  const needed = [...groupBy.flatMap((name) => OF_GROUPING[name] ?? []), ...filtered(filter).map(([name]) => name)];
  return CUBES.find(({ dimensions }) => needed.every((name) => dimensions.includes(name))) ?? WHOLE;
}
