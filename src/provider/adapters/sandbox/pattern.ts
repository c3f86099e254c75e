/** What a regular expression consists of, as far as the sandbox reads it. */
export type PatternNode =
  | { kind: 'char'; matches: (char: string) => boolean; sample: string | null }
  | { kind: 'all' | 'any'; nodes: readonly PatternNode[] }
  | { kind: 'repeat'; node: PatternNode; min: number; max: number }
  | { kind: 'start' | 'end' }
  | { kind: 'boundary'; negated: boolean }
  | { kind: 'lookahead'; node: PatternNode; negated: boolean };

const PATTERN_CHARS_MAX = 2_000;
const GROUPS_DEEP_MAX = 50;

/** One of these stands for a class of characters, the first that belongs to it. */
const SAMPLES = [
  'a',
  'A',
  '1',
  ...Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)),
  'é',
  '中',
  '\n',
  '\t',
];

const ESCAPE = /\\(?:x[\da-f]{2}|u[\da-f]{4}|u\{[\da-f]{1,6}\}|p\{[\w=]{1,40}\}|c[a-z]|[^])/iy;
const CLASS = /\[(?:\\[^]|[^\]\\])*\]/y;
const COUNT = /\{(\d{1,9})(,(\d{0,9}))?\}|[*+?]/y;
const GROUP = /\((?:\?(?::|=|!|<[a-z_]\w*>))?/iy;
const COUNTS: Readonly<Record<string, readonly [number, number]>> = {
  '*': [0, Infinity],
  '+': [1, Infinity],
  '?': [0, 1],
};

/**
 * Reads the `pattern` of a JSON schema.
 * @returns `null` for what is not a regular expression, is longer than 2,000 characters, or uses look-behind, references to
 *   groups or flags inside.
 */
export function parsePattern(source: string): PatternNode | null {
  if (source.length > PATTERN_CHARS_MAX) return null;
  const parser = new PatternParser(source);
  try {
    const node = parser.alternatives(0);
    return parser.isAtEnd ? node : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

class PatternParser {
  private at = 0;

  constructor(private readonly source: string) {}

  get isAtEnd(): boolean {
    return this.at >= this.source.length;
  }

  /** @throws SyntaxError for what is not supported. */
  alternatives(depth: number): PatternNode {
    if (depth > GROUPS_DEEP_MAX) throw new SyntaxError('groups are too deep');
    const nodes = [this.sequence(depth)];
    while (this.source[this.at] === '|') {
      this.at += 1;
      nodes.push(this.sequence(depth));
    }
    return { kind: 'any', nodes };
  }

  private sequence(depth: number): PatternNode {
    const nodes: PatternNode[] = [];
    while (!this.isAtEnd && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      nodes.push(this.repeated(this.atom(depth)));
    }
    return { kind: 'all', nodes };
  }

  private repeated(node: PatternNode): PatternNode {
    const [sign, exact, comma, most] = this.take(COUNT) ?? [];
    if (sign === undefined) return node;
    if (this.source[this.at] === '?') this.at += 1;
    const known = COUNTS[sign];
    if (known !== undefined) return { kind: 'repeat', node, min: known[0], max: known[1] };
    const min = Number(exact);
    const max = comma === undefined ? min : most === '' ? Infinity : Number(most);
    if (max < min) throw new SyntaxError('numbers out of order');
    return { kind: 'repeat', node, min, max };
  }

  private atom(depth: number): PatternNode {
    const char = this.source[this.at] ?? '';
    if (char === '(') return this.group(depth);
    if (char === '[') return classOf((this.take(CLASS) ?? fail())[0]);
    if (char === '\\') return this.escaped((this.take(ESCAPE) ?? fail())[0]);
    if (/[*+?]/.test(char)) throw new SyntaxError('nothing to repeat');
    const point = String.fromCodePoint(this.source.codePointAt(this.at) ?? 0);
    this.at += point.length;
    if (point === '^') return { kind: 'start' };
    if (point === '$') return { kind: 'end' };
    return point === '.' ? classOf('.') : { kind: 'char', matches: (one) => one === point, sample: point };
  }

  private group(depth: number): PatternNode {
    const [opening] = this.take(GROUP) ?? fail();
    const node = this.alternatives(depth + 1);
    if (this.source[this.at] !== ')') throw new SyntaxError('a group without an end');
    this.at += 1;
    const isLookahead = opening === '(?=' || opening === '(?!';
    return isLookahead ? { kind: 'lookahead', node, negated: opening === '(?!' } : node;
  }

  private escaped(text: string): PatternNode {
    if (text === '\\b' || text === '\\B') return { kind: 'boundary', negated: text === '\\B' };
    if (/^\\[1-9k]/.test(text)) throw new SyntaxError('references are not supported');
    return classOf(text);
  }

  private take(sticky: RegExp): RegExpExecArray | null {
    sticky.lastIndex = this.at;
    const found = sticky.exec(this.source);
    this.at += found?.[0].length ?? 0;
    return found;
  }
}

function fail(): never {
  throw new SyntaxError('not supported');
}

/** A class, an escape or a dot: one character, so that JavaScript's own engine tells at once whether it belongs. */
function classOf(source: string): PatternNode {
  const test = oneCharTest(source);
  const matches = (char: string): boolean => test.test(char);
  return { kind: 'char', matches, sample: SAMPLES.find(matches) ?? null };
}

/** Schemas are written for either mode of JavaScript: `\p{L}` needs one, `\_` the other. */
function oneCharTest(source: string): RegExp {
  try {
    return new RegExp(`^${source}$`, 'u');
  } catch {
    return new RegExp(`^${source}$`);
  }
}
