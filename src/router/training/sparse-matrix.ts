import type { SparseVector } from '../gain/text-features.js';

/** Rows of a sparse matrix (compressed rows). */
export class SparseMatrix {
  private constructor(
    readonly columns: number,
    private readonly starts: Int32Array,
    private readonly indices: Int32Array,
    private readonly values: Float32Array,
  ) {}

  /** One row a text. `vectorOf` may give the same buffers again each time. */
  static of(texts: readonly string[], columns: number, vectorOf: (text: string) => SparseVector): SparseMatrix {
    const rows = texts.map((text) => {
      const { indices, values, size } = vectorOf(text);
      return { indices: indices.slice(0, size), values: values.slice(0, size) };
    });
    return SparseMatrix.join(columns, rows);
  }

  /** A matrix of few columns without gaps. */
  static dense(columns: readonly Float64Array[]): SparseMatrix {
    const indices = Int32Array.from(columns.keys());
    const rows = Array.from({ length: columns[0]?.length ?? 0 }, (_, row) => ({
      indices,
      values: Float32Array.from(columns, (column) => column[row] ?? 0),
    }));
    return SparseMatrix.join(columns.length, rows);
  }

  get rows(): number {
    return this.starts.length - 1;
  }

  /** Some of the rows, in the given order. */
  pick(rows: readonly number[]): SparseMatrix {
    return SparseMatrix.join(
      this.columns,
      rows.map((row) => this.row(row)),
    );
  }

  /** This matrix with each column multiplied by a factor. */
  scaled(factors: Float64Array): SparseMatrix {
    const values = this.values.map((value, at) => value * (factors[this.indices[at] ?? 0] ?? 0));
    return new SparseMatrix(this.columns, this.starts, this.indices, values);
  }

  /** In how many rows each column has an entry. */
  rowsPerColumn(): Float64Array {
    const counts = new Float64Array(this.columns);
    const lastRow = new Int32Array(this.columns).fill(-1);
    for (let row = 0; row < this.rows; row += 1) {
      for (const index of this.row(row).indices) {
        if (lastRow[index] === row) continue;
        lastRow[index] = row;
        counts[index] = (counts[index] ?? 0) + 1;
      }
    }
    return counts;
  }

  /** matrix × vector. */
  times(vector: Float64Array): Float64Array {
    const product = new Float64Array(this.rows);
    for (let row = 0; row < product.length; row += 1) {
      let sum = 0;
      const end = this.starts[row + 1] ?? 0;
      for (let at = this.starts[row] ?? 0; at < end; at += 1) {
        sum += (this.values[at] ?? 0) * (vector[this.indices[at] ?? 0] ?? 0);
      }
      product[row] = sum;
    }
    return product;
  }

  /** transposed matrix × vector. */
  transposedTimes(vector: Float64Array): Float64Array {
    const product = new Float64Array(this.columns);
    for (let row = 0; row < vector.length; row += 1) {
      const factor = vector[row] ?? 0;
      const end = this.starts[row + 1] ?? 0;
      for (let at = this.starts[row] ?? 0; at < end; at += 1) {
        const index = this.indices[at] ?? 0;
        product[index] = (product[index] ?? 0) + (this.values[at] ?? 0) * factor;
      }
    }
    return product;
  }

  private row(row: number): { indices: Int32Array; values: Float32Array } {
    const [start, end] = [this.starts[row] ?? 0, this.starts[row + 1] ?? 0];
    return { indices: this.indices.subarray(start, end), values: this.values.subarray(start, end) };
  }

  private static join(columns: number, rows: readonly { indices: Int32Array; values: Float32Array }[]): SparseMatrix {
    const starts = new Int32Array(rows.length + 1);
    for (const [at, row] of rows.entries()) starts[at + 1] = (starts[at] ?? 0) + row.indices.length;
    const size = starts[rows.length] ?? 0;
    const indices = new Int32Array(size);
    const values = new Float32Array(size);
    for (const [at, row] of rows.entries()) {
      indices.set(row.indices, starts[at]);
      values.set(row.values, starts[at]);
    }
    return new SparseMatrix(columns, starts, indices, values);
  }
}
