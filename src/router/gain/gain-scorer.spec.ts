import fc from 'fast-check';
import { GainScorer } from './gain-scorer.js';
import { TEXT_CHARS_MAX, TextFeatures } from './text-features.js';

const scorer = new GainScorer();

describe('the gain expected on a text', () => {
  it('is the same for the same text, whatever was scored in between', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' }), (text, between) => {
        const first = scorer.gainOf(text);
        scorer.gainOf(between);
        expect(scorer.gainOf(text)).toEqual(first);
        expect(first.demand >= 0 && first.demand <= 1 && Number.isFinite(first.gain)).toBe(true);
      }),
    );
  });

  it('is average where there are no words', () => {
    expect(scorer.gainOf(' \n')).toEqual({ gain: 0, demand: 0.5 });
  });

  it('is higher for what takes a strong model than for what anyone knows', () => {
    const hard = [
      'A rigid rod of mass m rotates about one end in a magnetic field B. Find the induced emf and the torque as a function of the angular velocity.',
      'Statement 1 | Every finite integral domain is a field. Statement 2 | Every subgroup of an abelian group is normal.',
      'Find the order of the factor group Z_12 x Z_18 / <(4, 3)> and prove that it is cyclic.',
    ];
    const easy = [
      'Which holiday do people celebrate on the 25th of December?',
      'What is the name of the first president of the United States?',
      'Which vitamin do we get from the sun?',
    ];
    const least = Math.min(...hard.map((text) => scorer.gainOf(text).demand));
    expect(least).toBeGreaterThan(Math.max(...easy.map((text) => scorer.gainOf(text).demand)));
  });

  it('does not hang on how a questionnaire prints its choices', () => {
    const plain = 'Which gas do plants take in?\nOxygen\nCarbon dioxide\nNitrogen';
    const lettered = 'Which gas do plants take in?\nA. Oxygen\nB. Carbon dioxide\nC. Nitrogen';
    expect(scorer.gainOf(lettered)).toEqual(scorer.gainOf(plain));
  });

  it('looks at a bounded part of a text: its beginning and its end', () => {
    const [head, tail] = ['Prove the theorem. ', ' What is the torque?'];
    const long = (filler: string): string => head + filler.repeat(TEXT_CHARS_MAX) + tail;
    const features = new TextFeatures();
    expect(features.of(long('ab ')).size).toBeLessThan(6 * TEXT_CHARS_MAX);
    expect(scorer.gainOf(long('ab '))).not.toEqual(scorer.gainOf(long('ab ').slice(0, -tail.length)));
  });
});
