import { isRawNumber } from './exact-numbers.js';
import { TimeSlices } from './time-slices.js';

/** A value with fewer parts is written at once, in a few milliseconds. */
const PARTS_AT_ONCE = 20_000;
/** Most parts that are written between two looks at the clock. */
const PARTS_CHECKED = 1_000;
/** Most items of a list that are written together. */
const RUN_MAX = 512;

/**
 * Writes what was parsed from JSON as `JSON.stringify` does, in slices where it has many parts.
 * @throws RangeError when it is nested too deeply.
 */
export async function writeJson(value: unknown): Promise<string> {
  if (!hasMoreParts(value, PARTS_AT_ONCE)) return JSON.stringify(value);
  const writer = new SlicedWriter();
  await writer.write(value);
  return writer.text();
}

function hasMoreParts(root: unknown, max: number): boolean {
  const open: unknown[] = [root];
  let parts = 0;
  while (open.length > 0) {
    const value = open.pop();
    if (!isContainer(value)) continue;
    const items: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
    parts += items.length;
    if (parts > max) return true;
    for (const item of items) open.push(item);
  }
  return false;
}

class SlicedWriter {
  private readonly parts: string[] = [];
  private readonly slices = new TimeSlices();

  text(): string {
    return this.parts.join('');
  }

  async write(value: unknown): Promise<void> {
    if (!hasMoreParts(value, PARTS_CHECKED)) this.parts.push(JSON.stringify(value));
    else if (Array.isArray(value)) await this.writeArray(value);
    else await this.writeObject(value as object);
  }

  /** Small items together; a run that turns out too large is tried again with fewer. */
  private async writeArray(list: readonly unknown[]): Promise<void> {
    let runMax = RUN_MAX;
    let before = '[';
    for (let at = 0; at < list.length;) {
      await this.slices.pause();
      const run = list.slice(at, at + runMax);
      if (run.length > 1 && hasMoreParts(run, PARTS_CHECKED)) {
        runMax = Math.ceil(run.length / 4);
        continue;
      }
      this.parts.push(before);
      before = ',';
      if (run.length === 1) await this.write(run[0]);
      else this.parts.push(JSON.stringify(run).slice(1, -1));
      at += run.length;
      runMax = Math.min(RUN_MAX, runMax * 2);
    }
    this.parts.push(']');
  }

  private async writeObject(record: object): Promise<void> {
    let before = '{';
    for (const [name, value] of Object.entries(record)) {
      if (value === undefined) continue;
      await this.slices.pause();
      this.parts.push(`${before}${JSON.stringify(name)}:`);
      await this.write(value);
      before = ',';
    }
    this.parts.push(before === '{' ? '{}' : '}');
  }
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isRawNumber(value);
}
