import { drawFor, hashText } from './hash.js';

describe('hashes for stickiness', () => {
  it.each([
    ['', 2_872_998_923],
    ['session', 1_939_136_992],
    ['key:用户', 2_852_698_343],
  ])('are the same in every process and release: %j', (text, hash) => {
    expect(hashText(text)).toBe(hash);
  });

  it('are unsigned 32-bit numbers', () => {
    for (const text of ['', 'a', 'session', '日本', 'x'.repeat(10_000)]) {
      const hash = hashText(text);
      expect(Number.isInteger(hash) && hash >= 0 && hash < 2 ** 32).toBe(true);
    }
  });

  it('draw strictly between 0 and 1', () => {
    for (let member = 0; member < 10_000; member += 1) {
      const draw = drawFor(hashText('session'), member);
      expect(draw > 0 && draw < 1).toBe(true);
    }
  });

  it('spread sessions evenly over members', () => {
    const members = ['a', 'b', 'c', 'd'].map(hashText);
    const wins = members.map(() => 0);
    for (let session = 0; session < 8_000; session += 1) {
      const draws = members.map((member) => drawFor(hashText(`key:user-${session}`), member));
      const winner = draws.indexOf(Math.max(...draws));
      wins[winner] = (wins[winner] ?? 0) + 1;
    }
    for (const count of wins) expect(Math.abs(count - 2_000)).toBeLessThan(200);
  });
});
