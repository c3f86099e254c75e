import type { Chunk, Piece } from '../sse/chunk.js';
import { ChunkReader } from '../sse/chunk-reader.js';
import { PrefixMatcher, type MatchResult } from './prefix-matcher.js';

const reader = new ChunkReader();

function chunk(delta: Record<string, unknown>, finishReason: string | null = null): Chunk {
  const choices = [{ index: 0, delta, finish_reason: finishReason }];
  return reader.read(JSON.stringify({ id: 'x', choices }), 'message');
}

function words(text: string): Chunk[] {
  return (text.match(/\s*\S+/g) ?? []).map((content) => chunk({ content }));
}

/** Feeds chunk by chunk, then takes the rest unread, as the stream would deliver it. */
function continueWith(delivered: readonly Piece[], fresh: readonly Chunk[]): { result: MatchResult; data: string[] } {
  const matcher = new PrefixMatcher(delivered);
  for (const [index, one] of fresh.entries()) {
    const result = matcher.read([one]);
    if (result.state === 'waiting') continue;
    const rest = result.state === 'matched' ? [...result.rest, ...fresh.slice(index + 1)] : [];
    return { result, data: rest.map(({ data }) => data) };
  }
  return { result: { state: 'waiting' }, data: [] };
}

function contentOf(data: readonly string[]): string {
  return data
    .map((one) => (JSON.parse(one) as { choices: { delta: { content?: string } }[] }).choices[0]?.delta.content ?? '')
    .join('');
}

describe('PrefixMatcher', () => {
  const whole = 'The quick brown fox — jumps over 漢字 and 🦊 tails.';

  it('delivers exactly what is missing, wherever the delivered text ends', () => {
    for (let length = 0; length < whole.length; length += 1) {
      const delivered = length === 0 ? [] : [{ channel: 'content' as const, text: whole.slice(0, length) }];
      const { data } = continueWith(delivered, [chunk({ role: 'assistant', content: '' }), ...words(whole)]);
      expect(whole.slice(0, length) + contentOf(data)).toBe(whole);
    }
  });

  it('accepts an answer that arrives in one chunk with its finish reason', () => {
    const { data } = continueWith([{ channel: 'content', text: 'The quick' }], [chunk({ content: whole }, 'stop')]);
    expect(JSON.parse(data[0] ?? '')).toMatchObject({
      choices: [{ delta: { content: whole.slice(9) }, finish_reason: 'stop' }],
    });
  });

  it('keeps the finish reason when nothing else is missing', () => {
    const { data } = continueWith([{ channel: 'content', text: 'Hi' }], [chunk({ content: 'Hi' }, 'length')]);
    expect(JSON.parse(data[0] ?? '')).toMatchObject({ choices: [{ delta: {}, finish_reason: 'length' }] });
    expect(contentOf(data)).toBe('');
  });

  it('keeps a finish reason in a chunk of its own', () => {
    const { data } = continueWith([{ channel: 'content', text: 'Hi' }], [chunk({ content: 'Hi' }), chunk({}, 'stop')]);
    expect(data).toEqual([chunk({}, 'stop').data]);
  });

  it.each<[string, Piece[], Chunk[]]>([
    ['differs at once', [{ channel: 'content', text: 'One' }], words('Two')],
    ['differs at the end', [{ channel: 'content', text: 'One two' }], words('One twO three')],
    ['is shorter', [{ channel: 'content', text: 'One two' }], [...words('One'), chunk({}, 'stop')]],
    ['says the same elsewhere', [{ channel: 'reasoning', text: 'One' }], words('One')],
    ['calls a tool instead', [{ channel: 'content', text: 'One' }], [chunk({ tool_calls: [{ index: 0 }] })]],
  ])('refuses an answer that %s', (_name, delivered, fresh) => {
    expect(continueWith(delivered, fresh).result.state).toBe('mismatch');
  });

  it('compares reasoning and content each with its own', () => {
    const delivered: Piece[] = [
      { channel: 'reasoning', text: 'Hm. Well' },
      { channel: 'content', text: 'The' },
    ];
    const fresh = [
      chunk({ reasoning_content: 'Hm.' }),
      chunk({ reasoning_content: ' Well' }),
      chunk({ content: 'The answer' }),
    ];
    const { data } = continueWith(delivered, fresh);
    expect(contentOf(data)).toBe(' answer');
    const otherThoughts = [chunk({ reasoning_content: 'Hm. Oh well' }), chunk({ content: 'The answer' })];
    expect(continueWith(delivered, otherThoughts).result.state).toBe('mismatch');
  });
});
