import { newRequestId } from '../../platform/ids/index.js';
import { lineOf, receivedSOf, WaitingPacks } from './trace-pack.js';

const SECOND_MS = 1_764_000_000_000;

function filled(ids: readonly string[], jsonOf: (id: string) => string): WaitingPacks {
  const waiting = new WaitingPacks();
  for (const id of ids) waiting.add(id, jsonOf(id));
  return waiting;
}

function idsOf(count: number, receivedMs: number = SECOND_MS): string[] {
  return Array.from({ length: count }, () => newRequestId(receivedMs));
}

describe('packs of traces', () => {
  it('give back every line, whatever it holds and however many there are', () => {
    const ids = idsOf(1_200);
    const jsonOf = (id: string): string => JSON.stringify({ id, text: `naïve 漢字 🎈 \n gwr_ ${'x'.repeat(200)}` });
    const packs = filled(ids, jsonOf).take(10_000);
    for (const id of ids) {
      const found = packs.map((pack) => lineOf(pack.text.toString('utf8'), id)).filter((json) => json !== null);
      expect(found).toEqual([jsonOf(id)]);
    }
    expect(lineOf(packs[0]?.text.toString('utf8') ?? '', newRequestId(SECOND_MS))).toBeNull();
  });

  it('hold requests of one second each, and not too many to be read', () => {
    const ids = [...idsOf(700), ...idsOf(10, SECOND_MS + 999), ...idsOf(20, SECOND_MS + 1_000)];
    const packs = filled(ids, () => '{}').take(10_000);
    expect(packs.map(({ receivedS, lines }) => [receivedS, lines])).toEqual([
      [SECOND_MS / 1_000, 500],
      [SECOND_MS / 1_000, 210],
      [SECOND_MS / 1_000 + 1, 20],
    ]);
    expect(receivedSOf(ids[705] ?? '')).toBe(SECOND_MS / 1_000);
  });

  it('are handed out a bounded number of lines at a time, the oldest first', () => {
    const waiting = filled(idsOf(1_700), () => '{}');
    expect(waiting.take(1_000).map(({ lines }) => lines)).toEqual([500, 500]);
    expect(waiting.lines).toBe(700);
    expect(waiting.take(1).map(({ lines }) => lines)).toEqual([500]);
    expect(waiting.take(1_000).map(({ lines }) => lines)).toEqual([200]);
    expect(waiting.take(1_000)).toEqual([]);
  });

  it('come back in front of what was added since, unchanged', () => {
    const [first = '', second = ''] = idsOf(2);
    const waiting = filled([first], () => '"first"');
    const taken = waiting.take(1_000);
    waiting.add(second, '"second"');
    waiting.putBack(taken);
    expect(waiting.lines).toBe(2);
    const texts = waiting.take(1_000).map((pack) => pack.text.toString('utf8'));
    expect(texts).toEqual([`\n${first} "first"`, `\n${second} "second"`]);
  });
});
