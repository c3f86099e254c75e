import { qualityOf, rankingOf } from './curve.js';
import { readExamples } from './data-set.js';
import { foldsOf, groupsOf, seededRandom } from './folds.js';
import { trainWeights } from './shipping.js';

describe('the area under the recovered gap', () => {
  it('is a half for equal scores, and more the earlier the gains come', () => {
    const gains = [1, 0, 0, 1];
    expect(qualityOf(rankingOf([7, 7, 7, 7]), gains)).toEqual({ apgr: 0.5, cpt50: 0.5, cpt80: 0.8 });
    expect(qualityOf(rankingOf([4, 2, 1, 3]), gains)).toMatchObject({ apgr: 0.75, cpt50: 0.25 });
    expect(qualityOf(rankingOf([1, 3, 4, 2]), gains).apgr).toBe(0.25);
  });
});

describe('folds', () => {
  it('keep prompts that share ten words in a row together', () => {
    const passage = 'one two three four five six seven eight nine ten';
    const groups = groupsOf([`${passage} first?`, 'something else', `Read: ${passage} second?`]);
    expect(groups[0]).toBe(groups[2]);
    expect(groups[0]).not.toBe(groups[1]);
    const folds = foldsOf(groups, 2, seededRandom(1));
    expect(folds[0]).toBe(folds[2]);
  });
});

describe('training', () => {
  const lines = Array.from({ length: 60 }, (_, at) => ({
    benchmark: at % 3 === 0 ? 'gsm8k' : 'mmlu',
    subject: at % 2 === 0 ? 'algebra' : 'history',
    prompt: `question ${at * 7919} about ${at % 2 === 0 ? 'rings' : 'kings'} number ${at * 31}`,
    weak_correct: at % 2 !== 0,
    strong_correct: true,
  }));
  const text = lines.map((line) => JSON.stringify(line)).join('\n');

  it('gives the same bytes for the same data', () => {
    expect(trainWeights(text).source).toBe(trainWeights(text).source);
  });

  it.each([
    ['', 'the file holds no example'],
    [`${text}\nnot json`, 'line 61 is not JSON'],
    [`{"benchmark":"mmlu"}`, 'line 1: subject'],
  ])('names what cannot be read', (data, message) => {
    expect(() => readExamples(data)).toThrow(message);
  });
});
