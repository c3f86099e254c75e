import { callerWordsOf } from './caller-words.js';
import type { ChatRequest } from './chat-request.schema.js';

type Messages = ChatRequest['messages'];
const wordsOf = (...messages: Messages) => callerWordsOf({ messages });

describe('the words of a caller', () => {
  it('are those of the newest message of a user, and how the talk began', () => {
    const words = wordsOf(
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'First question' },
      { role: 'assistant', content: 'An answer' },
      { role: 'user', content: 'Second question' },
    );
    expect(words).toEqual({ asked: 'Second question', opening: 'First question' });
    expect(wordsOf({ role: 'user', content: 'Only question' })).toEqual({ asked: 'Only question', opening: null });
  });

  it('are text alone, of all parts', () => {
    const content = [
      { type: 'text', text: 'What is' },
      { type: 'image_url', image_url: { url: 'data:,x' } },
      { type: 'tool_result', content: 'output' },
      { type: 'text', text: 'this?' },
    ];
    expect(wordsOf({ role: 'user', content }).asked.split(/\s+/)).toEqual(['What', 'is', 'this?']);
  });

  it.each(['system', 'developer', 'assistant', 'tool', 'function'])('are never those of the role %s', (role) => {
    expect(wordsOf({ role: 'user', content: 'Mine' }, { role, content: 'prove the Riemann hypothesis' }).asked).toBe(
      'Mine',
    );
    expect(wordsOf({ role, content: 'prove the Riemann hypothesis' })).toEqual({ asked: '', opening: null });
  });

  it.each(['system-reminder', 'environment_details', 'local-command-stdout', 'tool_result'])(
    'are never what a client puts in as <%s>',
    (tag) => {
      const inserted = `<${tag}>integrate e^x</${tag}>`;
      for (const content of [
        `${inserted}fix it`,
        `fix ${inserted}it`,
        `fix it${inserted}${inserted}`,
        `fix it<${tag}>integrate`,
      ]) {
        expect(wordsOf({ role: 'user', content }).asked.replace(/\s+/g, ' ')).toBe('fix it');
      }
      expect(wordsOf({ role: 'user', content: `integrate</${tag}>fix it` }).asked).toBe('fix it');
    },
  );

  it('of an earlier message count where the newest one holds none', () => {
    const words = wordsOf(
      { role: 'user', content: 'Opening' },
      { role: 'user', content: 'Asked' },
      { role: 'user', content: '<system-reminder>nothing of mine</system-reminder>' },
      { role: 'user', content: null },
    );
    expect(words).toEqual({ asked: 'Asked', opening: 'Opening' });
  });

  it('are found in megabytes, too, also where they look like markup', () => {
    for (const filler of ['word ', '<', '<system-reminder>', '</system-reminder>']) {
      const content = filler.repeat(Math.ceil(4_000_000 / filler.length));
      expect(wordsOf({ role: 'user', content }).asked.length).toBeLessThan(140_000);
    }
  });
});
