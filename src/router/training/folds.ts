/** Words in a row that two prompts share when one is a variant of the other. */
const SHARED_WORDS = 10;
/** A run of words that stands in more prompts than this is a phrase of the form, not a sign of kinship. */
const SHARERS_MAX = 40;

/**
 * Groups prompts that are near-duplicates (they share ten words in a row), transitively: what is asked about one passage
 * stays together, so that no fold is tested on what it was trained on.
 * @returns the group of each prompt.
 */
export function groupsOf(prompts: readonly string[]): number[] {
  const holders = new Map<string, number[]>();
  for (const [at, prompt] of prompts.entries()) {
    const words = prompt.toLowerCase().match(/[a-z0-9]+/g) ?? [];
    const runs = new Set<string>();
    for (let start = 0; start === 0 || start + SHARED_WORDS <= words.length; start += 1) {
      runs.add(words.slice(start, start + SHARED_WORDS).join(' '));
    }
    for (const run of runs) {
      const known = holders.get(run);
      if (known === undefined) holders.set(run, [at]);
      else known.push(at);
    }
  }
  const parents = prompts.map((_, at) => at);
  for (const sharers of holders.values()) {
    if (sharers.length > SHARERS_MAX) continue;
    for (const other of sharers) parents[rootOf(parents, other)] = rootOf(parents, sharers[0] ?? other);
  }
  return prompts.map((_, at) => rootOf(parents, at));
}

function rootOf(parents: number[], member: number): number {
  let root = member;
  while (parents[root] !== root) {
    parents[root] = parents[parents[root] ?? root] ?? root;
    root = parents[root] ?? root;
  }
  return root;
}

/**
 * Deals whole groups out to folds of about equal size, largest first, at random otherwise.
 * @returns the fold of each member.
 */
export function foldsOf(groups: readonly number[], count: number, random: () => number): number[] {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const order = shuffled([...sizes.keys()], random).sort(
    (left, right) => (sizes.get(right) ?? 0) - (sizes.get(left) ?? 0),
  );
  const filled = new Array<number>(count).fill(0);
  const foldOfGroup = new Map<number, number>();
  for (const group of order) {
    const least = Math.min(...filled);
    const open = filled.flatMap((size, fold) => (size === least ? [fold] : []));
    const fold = open[Math.floor(random() * open.length)] ?? 0;
    foldOfGroup.set(group, fold);
    filled[fold] = (filled[fold] ?? 0) + (sizes.get(group) ?? 0);
  }
  return groups.map((group) => foldOfGroup.get(group) ?? 0);
}

/** Fisher–Yates. */
export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items];
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1));
    [list[at], list[other]] = [list[other] as T, list[at] as T];
  }
  return list;
}

/** Uniform numbers in [0, 1), the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
