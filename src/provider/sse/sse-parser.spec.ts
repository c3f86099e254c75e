import { UpstreamFailure } from '../domain/failure.js';
import { SseParser } from './sse-parser.js';

function parse(pieces: readonly (string | Buffer)[], end = true): string[] {
  const seen: string[] = [];
  const parser = new SseParser((data, event) => seen.push(event === 'message' ? data : `${event}|${data}`));
  for (const piece of pieces) parser.push(Buffer.from(piece));
  if (end) parser.end();
  return seen;
}

describe('SseParser', () => {
  it.each([
    ['the usual form', 'data: {"a":1}\n\ndata: [DONE]\n\n', ['{"a":1}', '[DONE]']],
    ['no space after the colon', 'data:x\n\n', ['x']],
    ['only one space is dropped', 'data:  x\n\n', [' x']],
    ['CR', 'event: error\rdata: x\r\r: ping\r\rdata: y\r\r', ['error|x', 'y']],
    ['mixed line ends', 'data: x\r\r\ndata: y\n\rdata: z\r\n\r', ['x', 'y', 'z']],
    ['CRLF', 'data: x\r\n\r\ndata: y\r\n\r\n', ['x', 'y']],
    ['several data lines', 'data: a\ndata: b\n\n', ['a\nb']],
    ['comments, ids and retry hints', ': ping\nid: 7\nretry: 10\ndata: x\n\n: ping\n\n', ['x']],
    ['empty data', 'data:\n\ndata: \n\ndata: x\n\n', ['x']],
    ['a named event', 'event: error\ndata: x\n\ndata: y\n\n', ['error|x', 'y']],
    ['a name without data is forgotten', 'event: error\n\ndata: y\n\n', ['y']],
    ['a byte order mark', '\ufeffdata: x\n\n', ['x']],
    ['a last event without its empty line', 'data: x\n\ndata: y\n', ['x', 'y']],
    ['a last line without its line end', 'data: x\n\ndata: y', ['x', 'y']],
    ['fields that begin like data', 'database: x\ndata: y\n\n', ['y']],
    ['nothing', '', []],
  ])('reads %s', (_name, text, expected) => {
    expect(parse([text])).toEqual(expected);
  });

  it.each(['\n', '\r\n', '\r'])('reads the same however the bytes are cut, with %j', (lineEnd) => {
    const text = 'event: a\r\ndata: Grüße 你好 🦊\r\n\r\n: c\n\ndata: x\ndata: y\n\ndata: [DONE]\n\n';
    const bytes = Buffer.from(text.replaceAll('\r\n', '\n').replaceAll('\n', lineEnd));
    const expected = ['a|Grüße 你好 🦊', 'x\ny', '[DONE]'];
    for (let size = 1; size <= bytes.length; size += 1) {
      const pieces = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      expect(parse(pieces)).toEqual(expected);
    }
  });

  it('does not deliver an event before its end', () => {
    expect(parse(['data: x\n'], false)).toEqual([]);
  });

  it('refuses an event that is too large, in one line or in many', () => {
    const parser = () => new SseParser(() => undefined, 1000);
    const oneLine = parser();
    oneLine.push(Buffer.from(`data: ${'x'.repeat(900)}`));
    expect(() => oneLine.push(Buffer.from('x'.repeat(200)))).toThrow(UpstreamFailure);
    const manyLines = parser();
    expect(() => {
      for (let line = 0; line < 200; line += 1) manyLines.push(Buffer.from('data: 12345678\n'));
    }).toThrow('event_too_large');
  });
});
