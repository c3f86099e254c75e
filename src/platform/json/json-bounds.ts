/** How complex a JSON text may be. Each bound is the largest value that passes. */
export interface JsonBounds {
  /** Levels of objects and arrays inside each other. */
  depth: number;
  /** Members of all objects together. */
  members: number;
  /** Different names of members. V8 gives each new combination of names a layout of its own, which is what costs most. */
  names: number;
  /** Values of all objects and arrays together. */
  values: number;
}

/** Characters of one number. A double never needs more than 1,077, and a parser needs more than linear time for long ones. */
export const NUMBER_CHARS_MAX = 1_100;

/** A JSON text passes one of its bounds. */
export class JsonBoundsError extends Error {
  constructor(
    /** Which one. */
    readonly bound: keyof JsonBounds | 'number',
    readonly max: number,
  ) {
    super(`the JSON text passes its bound of ${max.toString()} (${bound})`);
    this.name = 'JsonBoundsError';
  }
}
