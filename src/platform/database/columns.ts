import type { ValueTransformer } from 'typeorm';
import { micros, type Micros } from '../money/index.js';

/** Maps a `bigint` column to `Micros`; the driver hands `bigint` over as text. */
export const microsColumn: ValueTransformer = {
  from: (value: string | null): Micros | null => (value === null ? null : micros(BigInt(value))),
  to: (value: bigint | null | undefined): string | null | undefined =>
    value === null || value === undefined ? value : value.toString(),
};
