import { choice, chunkJson, errorJson, isCut, piecesOf, TOOL_CALLS, usageOf, type ChatBody } from './answer.js';
import type { Behaviour } from './behaviour.js';
import type { Sender } from './send.js';

const HUGE_PIECE = 'x'.repeat(16 * 1024);
const ARGUMENT_PIECE_CHARS = 7;

/** Events of `fast` answers by model: prepared once, so that a load run measures the gateway and not this process. */
const prepared = new Map<string, readonly string[]>();

/** Sends a streamed answer with the behaviour's faults. */
export async function sendStream(behaviour: Behaviour, body: ChatBody, sender: Sender): Promise<void> {
  if (behaviour.name === 'fast') return sendPrepared(behaviour, body, sender);
  if (behaviour.name === 'split-utf8') return sendSplitUtf8(behaviour, body, sender);
  if (behaviour.name === 'huge') return sendHuge(behaviour, body, sender);
  sender.openStream();
  if (behaviour.name === 'stall' && behaviour.after === 0) {
    sender.flushHeaders();
    return sender.forever();
  }
  const event = eventWriter(behaviour.name);
  sender.write(
    event(chunkJson(body, [choice({ role: 'assistant', content: '', refusal: null })], early(behaviour, body))),
  );
  if (behaviour.name === 'slow-first') await sender.wait(behaviour.delayMs);
  const deltas = deltasOf(behaviour, body);
  for (const [at, delta] of deltas.entries()) {
    if (at === behaviour.after && behaviour.waitAt === 'content') await sender.wait(behaviour.delayMs);
    if (at === behaviour.after && (await fault(behaviour, body, sender, event))) return;
    if (behaviour.name === 'slow-tokens' && at > 0) await sender.wait(behaviour.delayMs);
    if (sender.closed) return;
    const last = at === deltas.length - 1;
    sender.write(event(chunkJson(body, [choice(delta)], pieceUsage(behaviour, body, at + 1, last))));
  }
  await sendEnd(behaviour, body, sender, event, deltas.length);
}

/** Finish chunk, usage chunk, end marker: each as the behaviour wants it. */
async function sendEnd(
  behaviour: Behaviour,
  body: ChatBody,
  sender: Sender,
  event: Framer,
  outputTokens: number,
): Promise<void> {
  if (behaviour.waitAt === 'finish') await sender.wait(behaviour.delayMs);
  const stop = isCut(behaviour, body) ? 'length' : 'stop';
  const finish = behaviour.name.startsWith('tools') ? 'tool_calls' : stop;
  let text = event(chunkJson(body, [choice({}, finish)], nullUsage(behaviour)));
  if (behaviour.waitAt === 'usage') {
    sender.write(text);
    text = '';
    await sender.wait(behaviour.delayMs);
  }
  if (sendsUsageChunk(behaviour, body)) {
    text += event(chunkJson(body, [], { usage: usageOf(behaviour, body, outputTokens) }));
  }
  if (behaviour.name !== 'no-done') text += event('[DONE]');
  sender.end(text);
}

function sendsUsageChunk(behaviour: Behaviour, body: ChatBody): boolean {
  if (['usage-absent', 'usage-early', 'usage-on-content'].includes(behaviour.name)) return false;
  return behaviour.name === 'usage-twice' || body.includeUsage;
}

function early(behaviour: Behaviour, body: ChatBody): Record<string, unknown> {
  if (behaviour.name === 'usage-early') return { usage: usageOf(behaviour, body, behaviour.pieces) };
  return nullUsage(behaviour);
}

/** OpenAI itself sends `"usage":null` on every chunk but the last when usage was asked for. */
function nullUsage(behaviour: Behaviour): Record<string, unknown> {
  return behaviour.name === 'usage-null' ? { usage: null } : {};
}

function pieceUsage(behaviour: Behaviour, body: ChatBody, sent: number, last: boolean): Record<string, unknown> {
  const growing = behaviour.name === 'usage-twice';
  const onLast = behaviour.name === 'usage-on-content' && last;
  return growing || onLast ? { usage: usageOf(behaviour, body, sent) } : nullUsage(behaviour);
}

function deltasOf(behaviour: Behaviour, body: ChatBody): Record<string, unknown>[] {
  const pieces = piecesOf(behaviour, body);
  if (behaviour.name.startsWith('tools')) return toolDeltas(behaviour.name === 'tools' ? 1 : 2);
  if (behaviour.name !== 'reasoning') return pieces.map((content) => ({ content }));
  return [{ reasoning_content: 'Let me ' }, { reasoning_content: 'think.' }, ...pieces.map((content) => ({ content }))];
}

/** Tool calls as OpenAI streams them: name first, then the arguments in pieces; two calls take turns. */
function toolDeltas(count: number): Record<string, unknown>[] {
  const calls = TOOL_CALLS.slice(0, count);
  const heads = calls.map((call, index) => ({
    tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }],
  }));
  const rounds = Math.max(...calls.map((call) => Math.ceil(call.arguments.length / ARGUMENT_PIECE_CHARS)));
  const tails = Array.from({ length: rounds }, (_, round) =>
    calls.flatMap((call, index) => {
      const piece = call.arguments.slice(round * ARGUMENT_PIECE_CHARS, (round + 1) * ARGUMENT_PIECE_CHARS);
      return piece === '' ? [] : [{ tool_calls: [{ index, function: { arguments: piece } }] }];
    }),
  );
  return [...heads, ...tails.flat()];
}

type Framer = (data: string) => string;

function eventWriter(name: string): Framer {
  if (name === 'crlf') return (data) => `event: message\r\nid: 1\r\ndata: ${data}\r\n\r\n`;
  if (name === 'noise') return (data) => `: ping\n\ndata:\n\nretry: 100\ndata:${data}\n\n`;
  return (data) => `data: ${data}\n\n`;
}

/** The fault or the wait that comes after some pieces. @returns whether the stream is over. */
async function fault(behaviour: Behaviour, body: ChatBody, sender: Sender, event: Framer): Promise<boolean> {
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
      sender.end();
      return true;
    case 'broken-json':
    case 'broken-chunk':
      sender.end(event(chunkJson(body, [choice({ content: ' x' })]).slice(0, -20)) + event('[DONE]'));
      return true;
    case 'error-in-stream':
      sender.end(event(errorJson('The engine at http://10.1.2.3:8000/v1 is overloaded', 'server_error', null)));
      return true;
    default:
      return false;
  }
}

/** All chunks in one burst, each in a write of its own. */
function sendPrepared(behaviour: Behaviour, body: ChatBody, sender: Sender): void {
  const key = `${body.model} ${body.includeUsage.toString()}`;
  let events = prepared.get(key);
  if (events === undefined) {
    const usage = { usage: usageOf(behaviour, body, behaviour.pieces) };
    events = [
      chunkJson(body, [choice({ role: 'assistant', content: '' })]),
      ...piecesOf(behaviour, body).map((content) => chunkJson(body, [choice({ content })])),
      chunkJson(body, [choice({}, 'stop')]),
      ...(body.includeUsage ? [chunkJson(body, [], usage)] : []),
      '[DONE]',
    ].map((data) => `data: ${data}\n\n`);
    prepared.set(key, events);
  }
  sender.openStream();
  for (const event of events) sender.write(event);
  sender.end();
}

/** Every byte in a write of its own: multi-byte characters and line ends arrive in parts. */
async function sendSplitUtf8(behaviour: Behaviour, body: ChatBody, sender: Sender): Promise<void> {
  sender.openStream();
  const pieces = piecesOf(behaviour, body);
  const events = pieces.map((content) => chunkJson(body, [choice({ content })]));
  events.unshift(chunkJson(body, [choice({ role: 'assistant', content: '' })]));
  events.push(chunkJson(body, [choice({}, 'stop')]));
  if (body.includeUsage) events.push(chunkJson(body, [], { usage: usageOf(behaviour, body, pieces.length) }));
  const bytes = Buffer.from([...events, '[DONE]'].map((data) => `data: ${data}\n\n`).join(''));
  for (let at = 0; at < bytes.length && !sender.closed; at += 1) {
    sender.write(bytes.subarray(at, at + 1));
    // Non-ASCII bytes leave at once, so that the reader really sees halves of characters.
    if ((bytes[at] ?? 0) > 0x7f) await sender.wait(1);
  }
  sender.end();
}

/** Many MiB of content, no faster than the reader takes them. */
async function sendHuge(behaviour: Behaviour, body: ChatBody, sender: Sender): Promise<void> {
  sender.openStream();
  sender.write(`data: ${chunkJson(body, [choice({ role: 'assistant', content: '' })])}\n\n`);
  const pieces = (behaviour.mebibytes * 1024 * 1024) / HUGE_PIECE.length;
  const event = `data: ${chunkJson(body, [choice({ content: HUGE_PIECE })])}\n\n`;
  for (let at = 0; at < pieces && !sender.closed; at += 1) await sender.writeWithRoom(event);
  await sendEnd(behaviour, body, sender, (data) => `data: ${data}\n\n`, pieces);
}
