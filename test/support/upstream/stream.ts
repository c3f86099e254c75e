import type { ChatBody } from './answer.js';
import { VENDORS, type Behaviour } from './behaviour.js';
import type { Dialect, Frame, Script } from './dialect.js';
import type { Sender } from './send.js';

const VENDOR_ERRORS: ReadonlySet<string> = new Set(VENDORS.map((vendor) => `${vendor}-error`));

/** Events of `fast` answers by request: prepared once, so that a load run measures the gateway and not this process. */
const prepared = new Map<string, readonly string[]>();

/** What spends its delay between two pieces. */
const PACED: ReadonlySet<string> = new Set(['slow-tokens', 'held']);

/** Sends a streamed answer with the behaviour's faults. */
export async function sendStream(
  dialect: Dialect,
  behaviour: Behaviour,
  body: ChatBody,
  sender: Sender,
): Promise<void> {
  const framer = framerOf(behaviour.name, dialect.lineEnd);
  if (behaviour.name === 'fast') return sendPrepared(dialect, behaviour, body, framer, sender);
  const script = dialect.script(behaviour, body);
  sender.openStream();
  if (behaviour.name === 'split-utf8') return sendByteByByte(eventsOf(script, framer).join(''), sender);
  if (behaviour.name === 'stall' && behaviour.after === 0) {
    sender.flushHeaders();
    return sender.forever();
  }
  for (const frame of script.begin) sender.write(framer(frame));
  if (behaviour.name === 'slow-first') {
    sender.flushHeaders();
    await sender.wait(behaviour.delayMs);
  }
  for (const [at, frames] of script.pieces.entries()) {
    if (at === behaviour.after && behaviour.waitAt === 'content') await sender.wait(behaviour.delayMs);
    if (at === behaviour.after && (await fault(behaviour, script, framer, sender))) return;
    if (PACED.has(behaviour.name) && at > 0) await sender.wait(behaviour.delayMs);
    if (sender.closed) return;
    const text = frames.map(framer).join('');
    if (behaviour.name === 'huge') await sender.writeWithRoom(text);
    else sender.write(text);
  }
  await sendEnd(behaviour, script, framer, sender);
}

/** Finish, usage, end marker, with the pauses that the behaviour wants between them. */
async function sendEnd(behaviour: Behaviour, script: Script, framer: Framer, sender: Sender): Promise<void> {
  if (behaviour.waitAt === 'finish') await sender.wait(behaviour.delayMs);
  let text = script.finish.map(framer).join('');
  if (behaviour.waitAt === 'usage') {
    sender.write(text);
    text = '';
    await sender.wait(behaviour.delayMs);
  }
  sender.end(text + script.tail.map(framer).join(''));
}

type Framer = (frame: Frame) => string;

/** How an event is written: the vendor's line ends, or what else the standard allows. */
function framerOf(name: string, lineEnd: string): Framer {
  return ({ data, event, comment = '' }) => {
    if (data === '') return comment;
    const named = event === undefined ? '' : `event: ${event}${lineEnd}`;
    if (name === 'crlf') return `event: ${event ?? 'message'}\r\nid: 1\r\ndata: ${data}\r\n\r\n`;
    if (name === 'noise') return `: ping\n\ndata:\n\nretry: 100\n${named.replace('\r', '')}data:${data}\n\n`;
    return `${comment}${named}data: ${data}${lineEnd}${lineEnd}`;
  };
}

function eventsOf({ begin, pieces, finish, tail }: Script, framer: Framer): string[] {
  return [...begin, ...pieces.flat(), ...finish, ...tail].map(framer);
}

/** The fault or the wait that comes after some pieces. @returns whether the stream is over. */
async function fault(behaviour: Behaviour, script: Script, framer: Framer, sender: Sender): Promise<boolean> {
  const { brokenChunk, error, limit } = script.faults;
  const end = (frames: readonly Frame[]): boolean => {
    sender.end(frames.map(framer).join(''));
    return true;
  };
  switch (behaviour.name) {
    case 'stall':
      await sender.forever();
      return true;
    case 'held':
      await sender.held();
      return sender.closed;
    case 'cut':
      sender.cut();
      return true;
    case 'eof':
      return end([]);
    case 'broken-json':
    case 'broken-chunk':
      return end(brokenChunk);
    case 'limit-in-stream':
      return end(limit);
    default:
      return (behaviour.name === 'error-in-stream' || VENDOR_ERRORS.has(behaviour.name)) && end(error);
  }
}

/** All events in one burst, each in a write of its own. */
function sendPrepared(dialect: Dialect, behaviour: Behaviour, body: ChatBody, framer: Framer, sender: Sender): void {
  const key = `${dialect.lineEnd}${body.model} ${body.includeUsage.toString()}`;
  let events = prepared.get(key);
  if (events === undefined) {
    events = eventsOf(dialect.script(behaviour, body), framer);
    prepared.set(key, events);
  }
  sender.openStream();
  for (const event of events) sender.write(event);
  sender.end();
}

/** Every byte in a write of its own: multi-byte characters and line ends arrive in parts. */
async function sendByteByByte(text: string, sender: Sender): Promise<void> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length && !sender.closed; at += 1) {
    sender.write(bytes.subarray(at, at + 1));
    // Non-ASCII bytes leave at once, so that the reader really sees halves of characters.
    if ((bytes[at] ?? 0) > 0x7f) await sender.wait(1);
  }
  sender.end();
}
