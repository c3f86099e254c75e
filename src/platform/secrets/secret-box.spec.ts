import { SecretBox } from './secret-box.js';

const numbered = (number: number, byte = number): string =>
  `${String(number)}:${Buffer.alloc(32, byte).toString('base64')}`;
const box = (...secrets: string[]): SecretBox => new SecretBox({ ENCRYPTION_SECRETS: secrets.join(',') });
const KEY = 'sk-live-canary-4711';

/** Whatever went wrong, an error says only that it did. */
function refusalOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

const unreadable = { kind: 'internal', code: 'secret_unreadable', message: 'internal error' };

/** A sealed text with one bit of one byte turned over. */
function altered(sealed: string, at: number): string {
  const [number = '', text = ''] = sealed.split('.');
  const bytes = Buffer.from(text, 'base64url');
  const index = at < 0 ? bytes.length + at : at;
  bytes[index] = (bytes[index] ?? 0) ^ 1;
  return `${number}.${bytes.toString('base64url')}`;
}

describe('SecretBox', () => {
  it('opens what it has sealed, seals the same secret differently each time, and shows nothing of it', () => {
    const sealed = [box(numbered(1)).seal(KEY, 'a'), box(numbered(1)).seal(KEY, 'a')];
    expect(new Set(sealed).size).toBe(2);
    for (const text of sealed) {
      expect(box(numbered(1)).open(text, 'a')).toBe(KEY);
      expect(Buffer.from(text.slice(3), 'base64url').toString('latin1')).not.toContain('canary');
    }
  });

  it('seals with the highest number, in whatever order they are listed, and opens with all', () => {
    const old = box(numbered(2)).seal(KEY, 'a');
    const both = box(numbered(2), numbered(10));
    expect(both.numberOf(both.seal(KEY, 'a'))).toBe(10);
    expect(both.open(old, 'a')).toBe(KEY);
  });

  it.each([0, 12, -1])('refuses a text that was altered at byte %d', (at) => {
    const sealed = box(numbered(1)).seal(KEY, 'a');
    expect(refusalOf(() => box(numbered(1)).open(altered(sealed, at), 'a'))).toMatchObject(unreadable);
  });

  it.each([
    ['another owner', (sealed: string) => box(numbered(1)).open(sealed, 'b')],
    ['another secret of the same number', (sealed: string) => box(numbered(1, 9)).open(sealed, 'a')],
    ['no such secret', (sealed: string) => box(numbered(2)).open(sealed, 'a')],
    [
      'a number that was changed',
      (sealed: string) => box(numbered(1), numbered(2)).open(sealed.replace('v1', 'v2'), 'a'),
    ],
    ['a text that is cut short', (sealed: string) => box(numbered(1)).open(sealed.slice(0, 20), 'a')],
    ['no sealed text', () => box(numbered(1)).open(KEY, 'a')],
  ])('opens nothing for %s', (_case, open) => {
    const sealed = box(numbered(1)).seal(KEY, 'a');
    expect(refusalOf(() => open(sealed))).toMatchObject(unreadable);
  });

  it('seals nothing without a secret', () => {
    expect(refusalOf(() => new SecretBox({ ENCRYPTION_SECRETS: undefined }).seal(KEY, 'a'))).toMatchObject(unreadable);
  });
});
