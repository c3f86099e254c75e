import { isMap, isScalar, type Document, type LineCounter } from 'yaml';

export type Path = readonly PropertyKey[];

export interface Place {
  /** Counted from 1. */
  line: number;
  column: number;
}

/** Something in the file that cannot be taken. */
export interface PoolFault extends Place {
  /** `models[3].tier`; empty for the file as a whole. */
  path: string;
  /** Never holds a secret, nor a value that could be one. */
  message: string;
}

/** A file that is refused, with everything that is wrong with it, in the order of its lines. */
export class PoolRefusedError extends Error {
  override readonly name = 'PoolRefusedError';
  readonly faults: readonly PoolFault[];

  constructor(
    readonly file: string,
    faults: readonly PoolFault[],
  ) {
    const sorted = [...faults].sort((one, other) => one.line - other.line || one.column - other.column);
    super(sorted.map((fault) => faultText(file, fault)).join('\n'));
    this.faults = sorted;
  }
}

function faultText(file: string, { line, column, path, message }: PoolFault): string {
  return `${file}:${line}:${column} ${path === '' ? '' : `${path}: `}${message}`;
}

/** Where in the text of a file its values are. */
export class PoolPlaces {
  constructor(
    private readonly document: Document,
    private readonly lines: LineCounter,
  ) {}

  /** A fault of the value at a path, or of the nearest thing around it that is in the file. */
  fault(path: Path, message: string): PoolFault {
    return { ...this.placeOf(path), path: pathText(path), message };
  }

  /** A fault of a field's name. */
  keyFault(path: Path, key: string, message: string): PoolFault {
    const map = this.nodeAt(path);
    const pair = isMap(map) ? map.items.find(({ key: one }) => isScalar(one) && String(one.value) === key) : undefined;
    const place = pair === undefined ? this.placeOf(path) : this.placeOfNode(pair.key);
    return { ...place, path: pathText([...path, key]), message };
  }

  offsetPlace(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  private placeOf(path: Path): Place {
    for (let length = path.length; length >= 0; length -= 1) {
      const node = this.nodeAt(path.slice(0, length));
      if (rangeStart(node) !== null) return this.placeOfNode(node);
    }
    return { line: 1, column: 1 };
  }

  private nodeAt(path: Path): unknown {
    return path.length === 0 ? this.document.contents : this.document.getIn(path, true);
  }

  private placeOfNode(node: unknown): Place {
    return this.offsetPlace(rangeStart(node) ?? 0);
  }
}

function rangeStart(node: unknown): number | null {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : null;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : null;
}

function pathText(path: Path): string {
  return path
    .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
    .replace(/^\./, '');
}
