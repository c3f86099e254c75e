/**
 * Things that are under way at this moment, each in a place of its own. Made for what comes and goes with every request, where
 * a `Set` costs dearly: it moves to a new table after every few additions, and V8 lets each old table point to what it held
 * and to the table after it. Once one of them is in the old generation, everything that ever passes through the set survives
 * until the next full collection.
 */
export class InFlight<T extends object> implements Iterable<T> {
  private readonly places: (T | null)[] = [];
  private readonly free: number[] = [];

  get size(): number {
    return this.places.length - this.free.length;
  }

  /** @returns its place, by which it leaves. */
  enter(item: T): number {
    const place = this.free.pop() ?? this.places.length;
    this.places[place] = item;
    return place;
  }

  /** Once for each that entered: its place is given to another one. */
  leave(place: number): void {
    if ((this.places[place] ?? null) === null) throw new RangeError(`nothing is in place ${place.toString()}`);
    this.places[place] = null;
    this.free.push(place);
  }

  *[Symbol.iterator](): Iterator<T> {
    for (const item of this.places) if (item !== null) yield item;
  }
}
