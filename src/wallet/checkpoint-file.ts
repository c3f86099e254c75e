import { open, type FileHandle } from 'node:fs/promises';
import { readPublished, type PublishedCheckpoint } from './domain/checkpoint.js';

/** A line is a few hundred bytes; the last one is found in this much of the end. */
const TAIL_BYTES = 16_384;
const NEWLINE = 0x0a;

/**
 * Adds checkpoints to a file, one JSON line each, on disk when this returns. A line that a crash has cut is removed first.
 * @param next gives what follows the number of the file's last checkpoint (0 for an empty file).
 * @returns how many lines were added.
 */
export async function appendCheckpoints(
  file: string,
  next: (afterNumber: bigint) => Promise<readonly PublishedCheckpoint[]>,
): Promise<number> {
  const handle = await open(file, 'a+', 0o600);
  try {
    const checkpoints = await next(await lastNumber(handle, file));
    if (checkpoints.length === 0) return 0;
    await handle.appendFile(checkpoints.map((checkpoint) => `${JSON.stringify(checkpoint)}\n`).join(''));
    await handle.datasync();
    return checkpoints.length;
  } finally {
    await handle.close();
  }
}

/**
 * The lines of a checkpoint file in order; `checkpoint` is `null` where a line is none. What stands behind the last line
 * feed is being written, or was cut by a crash: it is none of them.
 */
export async function* checkpointLines(
  file: string,
): AsyncGenerator<{ line: number; checkpoint: PublishedCheckpoint | null }> {
  const handle = await open(file, 'r');
  try {
    const end = await endOfLines(handle);
    let line = 0;
    for await (const text of handle.readLines({ autoClose: false, ...(end > 0 && { start: 0, end: end - 1 }) })) {
      line++;
      if (text !== '') yield { line, checkpoint: readPublished(text) };
    }
  } finally {
    await handle.close();
  }
}

/** Where the last whole line ends; 0 when no line feed is near the end. */
async function endOfLines(handle: FileHandle): Promise<number> {
  const { start, tail } = await tailOf(handle);
  const end = tail.lastIndexOf(NEWLINE) + 1;
  return end === 0 ? 0 : start + end;
}

async function tailOf(handle: FileHandle): Promise<{ start: number; tail: Buffer }> {
  const { size } = await handle.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - start), 0, size - start, start);
  return { start, tail: buffer.subarray(0, bytesRead) };
}

async function lastNumber(handle: FileHandle, file: string): Promise<bigint> {
  const { start, tail } = await tailOf(handle);
  const end = tail.lastIndexOf(NEWLINE) + 1;
  if (end < tail.length) await handle.truncate(start + end);
  const text = tail.subarray(0, end).toString('utf8').trimEnd();
  if (text === '') return 0n;
  const last = readPublished(text.slice(text.lastIndexOf('\n') + 1));
  if (last === null) throw new Error(`the last line of ${file} is not a checkpoint; move the file away or mend it`);
  return BigInt(last.number);
}
