/**
 * Patterns of a model blacklist. `*` stands for any run of characters, everything else for itself, and a pattern covers
 * the whole name. Matching never backtracks: the time is bounded by the product of the two lengths, whatever the pattern.
 */
export class ModelPatterns {
  private readonly names = new Set<string>();
  private readonly wildcards: { pattern: string; pieces: readonly string[] }[] = [];

  constructor(patterns: readonly string[]) {
    for (const pattern of patterns) {
      if (pattern.includes('*')) this.wildcards.push({ pattern, pieces: pattern.split('*') });
      else this.names.add(pattern);
    }
  }

  /** The pattern that covers the model's key or its id; `null` when none does. */
  match(model: { id: string; modelKey: string }): string | null {
    if (this.names.has(model.modelKey)) return model.modelKey;
    if (this.names.has(model.id)) return model.id;
    const found = this.wildcards.find(({ pieces }) => covers(pieces, model.modelKey) || covers(pieces, model.id));
    return found?.pattern ?? null;
  }
}

/** Whether the pieces occur in order without overlap, the first at the start and the last at the end. */
function covers(pieces: readonly string[], name: string): boolean {
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  const end = name.length - last.length;
  if (end < first.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  let position = first.length;
  for (const piece of pieces.slice(1, -1)) {
    // Taking the earliest place of each piece leaves the most room for the rest: no other choice can do better.
    const found = name.indexOf(piece, position);
    if (found === -1 || found + piece.length > end) return false;
    position = found + piece.length;
  }
  return true;
}
