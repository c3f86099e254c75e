import { parsePattern, type PatternNode } from './pattern.js';

/** What is left of the work that one sample may cause. */
export interface Budget {
  values: number;
  chars: number;
  steps: number;
}

/** Usual answers to patterns that look ahead, such as the rules of a password. */
const GUESSES = ['example', 'Example-1', 'Example-Example-1', 'example.com', 'ada@example.com'];

/**
 * Texts that a pattern may match, the shortest first, and longer ones where `minLength` asks for them. Whether one does
 * `matchesPattern` tells.
 */
export function* patternTexts(pattern: string, minLength: number, budget: Budget): Generator<string> {
  const node = parsePattern(pattern);
  if (node === null || minLength > budget.chars) return;
  const branches = node.kind === 'any' ? node.nodes : [node];
  for (const missing of [0, minLength]) {
    for (const branch of branches) {
      const text = textOf(branch, { missing, max: budget.chars });
      if (text === null) continue;
      yield text;
      yield text.padEnd(minLength, 'x');
      yield text.padStart(minLength, 'x');
    }
  }
  yield* GUESSES;
}

/**
 * Whether a pattern matches somewhere in a text, in time that is bounded by the budget: all ways are followed at once.
 * @returns `false` also when the pattern cannot be read or the budget is used up.
 */
export function matchesPattern(pattern: string, text: string, budget: Budget): boolean {
  const node = parsePattern(pattern);
  if (node === null) return false;
  const chars = Array.from(text);
  return endsOf(node, chars, new Set([...chars.keys(), chars.length]), budget).size > 0;
}

interface Room {
  /** Characters that are still wanted beyond the shortest text. */
  missing: number;
  max: number;
}

/** @returns `null` when there is none of at most `max` characters. */
function textOf(node: PatternNode, room: Room): string | null {
  switch (node.kind) {
    case 'char':
      room.missing -= 1;
      return node.sample;
    case 'any': {
      const texts = node.nodes.map((one) => textOf(one, { ...room })).filter((text) => text !== null);
      const best = texts.sort((a, b) => (room.missing > 0 ? b.length - a.length : a.length - b.length))[0] ?? null;
      room.missing -= best?.length ?? 0;
      return best;
    }
    case 'all': {
      const texts = node.nodes.map((one) => textOf(one, room));
      return texts.includes(null) ? null : texts.join('');
    }
    case 'repeat':
      return repeated(node, room);
    default:
      return '';
  }
}

function repeated({ node, min, max }: Extract<PatternNode, { kind: 'repeat' }>, room: Room): string | null {
  if (max === 0 || (min === 0 && room.missing <= 0)) return '';
  const unit = textOf(node, { ...room, missing: 0 });
  if (unit === null) return min === 0 ? '' : null;
  const more = unit === '' ? 0 : Math.max(0, Math.ceil(room.missing / unit.length));
  const count = Math.min(max, Math.max(min, more));
  if (unit.length * count > room.max) return null;
  room.missing -= unit.length * count;
  return unit.repeat(count);
}

/** Places in the text where a node may end that begins at one of `from`. */
function endsOf(node: PatternNode, text: readonly string[], from: ReadonlySet<number>, budget: Budget): Set<number> {
  budget.steps -= from.size + 1;
  if (budget.steps < 0) return new Set();
  const kept = (holds: (at: number) => boolean): Set<number> => new Set([...from].filter(holds));
  switch (node.kind) {
    case 'char':
      return new Set([...kept((at) => at < text.length && node.matches(text[at] ?? ''))].map((at) => at + 1));
    case 'all':
      return node.nodes.reduce<Set<number>>((ends, one) => endsOf(one, text, ends, budget), new Set(from));
    case 'any':
      return new Set(node.nodes.flatMap((one) => [...endsOf(one, text, from, budget)]));
    case 'repeat':
      return endsOfRepeat(node, text, from, budget);
    case 'start':
      return kept((at) => at === 0);
    case 'end':
      return kept((at) => at === text.length);
    case 'boundary':
      return kept((at) => (isWord(text[at - 1]) !== isWord(text[at])) !== node.negated);
    case 'lookahead':
      return kept((at) => endsOf(node.node, text, new Set([at]), budget).size > 0 !== node.negated);
  }
}

function endsOfRepeat(
  { node, min, max }: Extract<PatternNode, { kind: 'repeat' }>,
  text: readonly string[],
  from: ReadonlySet<number>,
  budget: Budget,
): Set<number> {
  const ends = new Set(min === 0 ? from : []);
  let reached: ReadonlySet<number> = from;
  for (let count = 1; count <= max && reached.size > 0; count += 1) {
    const next = endsOf(node, text, reached, budget);
    if (count < min) {
      reached = next;
      continue;
    }
    // Places reached before lead nowhere new.
    reached = new Set([...next].filter((at) => !ends.has(at)));
    for (const at of reached) ends.add(at);
  }
  return ends;
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /\w/.test(char);
}
