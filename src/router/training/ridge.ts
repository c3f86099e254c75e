import type { SparseMatrix } from './sparse-matrix.js';

/** A linear function of a vector: `intercept` + Σ `weights` × features. */
export interface LinearModel {
  weights: Float64Array;
  intercept: number;
}

const ITERATIONS_MAX = 60;
/** Residual, as a share of the first one, at which the solution is good enough for an order of prompts. */
const TOLERANCE = 1e-3;

/**
 * Ridge regression by conjugate gradients: minimises |X w + mean − y|² + penalty × |w|².
 * @param start weights to begin from, e.g. those of a similar penalty.
 */
export function ridge(matrix: SparseMatrix, targets: Float64Array, penalty: number, start?: Float64Array): LinearModel {
  const intercept = mean(targets);
  const weights = start === undefined ? new Float64Array(matrix.columns) : Float64Array.from(start);
  const wanted = matrix.transposedTimes(targets.map((target) => target - intercept));
  const image = normal(matrix, weights, penalty);
  const residual = wanted.map((value, at) => value - (image[at] ?? 0));
  const direction = Float64Array.from(residual);
  let squares = dot(residual, residual);
  const goal = dot(wanted, wanted) * TOLERANCE * TOLERANCE;
  for (let round = 0; round < ITERATIONS_MAX && squares > goal; round += 1) {
    const turned = normal(matrix, direction, penalty);
    const step = squares / dot(direction, turned);
    for (let at = 0; at < weights.length; at += 1) {
      weights[at] = (weights[at] ?? 0) + step * (direction[at] ?? 0);
      residual[at] = (residual[at] ?? 0) - step * (turned[at] ?? 0);
    }
    const next = dot(residual, residual);
    const kept = next / squares;
    for (let at = 0; at < weights.length; at += 1) direction[at] = (residual[at] ?? 0) + kept * (direction[at] ?? 0);
    squares = next;
  }
  return { weights, intercept };
}

/** What the model says of each row. */
export function predict(matrix: SparseMatrix, { weights, intercept }: LinearModel): Float64Array {
  return matrix.times(weights).map((value) => value + intercept);
}

export function mean(values: Float64Array): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

function normal(matrix: SparseMatrix, vector: Float64Array, penalty: number): Float64Array {
  const product = matrix.transposedTimes(matrix.times(vector));
  return product.map((value, at) => value + penalty * (vector[at] ?? 0));
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0;
  for (let at = 0; at < left.length; at += 1) sum += (left[at] ?? 0) * (right[at] ?? 0);
  return sum;
}
