/** Measures of a whole text that say how involved a word problem is: length, numbers, sentences, words that compare. */
export const MEASURES = 21;

const COMPARING = ['less', 'fewer', 'more', 'than', 'times', 'twice', 'half'];
const ORDERING = ['if', 'then', 'after', 'before', 'until', 'when'];
const COUNTING = [
  ...['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'third', 'quarter', 'double'],
  ...[
    'triple',
    'each',
    'every',
    'per',
    'total',
    'remaining',
    'left',
    'less',
    'more',
    'than',
    'times',
    'twice',
    'half',
    'if',
  ],
];

/** Kinds of words, as bits. */
const [COMPARES, ORDERS, COUNTS] = [1, 2, 4] as const;

/** Bits of the kinds that each known word is of, by the hash of the word. */
export function wordKinds(hashOf: (word: string) => number): ReadonlyMap<number, number> {
  const kinds = new Map<number, number>();
  const add = (words: readonly string[], kind: number): void => {
    for (const word of words) kinds.set(hashOf(word), (kinds.get(hashOf(word)) ?? 0) | kind);
  };
  add(COMPARING, COMPARES);
  add(ORDERING, ORDERS);
  add(COUNTING, COUNTS);
  return kinds;
}

const [DOLLAR, PERCENT, COMMA, STOP, SLASH, QUESTION, EXCLAMATION] = [36, 37, 44, 46, 47, 63, 33] as const;
const DIGITS_MAX = 12;

/** Counts what one text is made of, character by character and word by word. */
export class TextMeasures {
  private digits = 0;
  private numbers = 0;
  private decimals = 0;
  private fractions = 0;
  private largest = 0;
  private signs = 0;
  private capitals = 0;
  private letters = 0;
  private commas = 0;
  private questions = 0;
  private sentences = 0;
  private dollars = 0;
  private percents = 0;
  private words = 0;
  private wordLetters = 0;
  private compares = 0;
  private orders = 0;
  private counts = 0;
  private number = 0;
  private numberDigits = 0;

  /** One character as it was written, with its neighbours. */
  seeCharacter(code: number, previous: number, next: number): void {
    if (isDigit(code)) {
      this.seeDigit(code, previous);
      return;
    }
    if (isDigit(previous)) {
      this.largest = Math.max(this.largest, this.number);
      if (isDigit(next) && code === STOP) this.decimals += 1;
      if (isDigit(next) && code === SLASH) this.fractions += 1;
    }
    if (code >= 97 && code <= 122) this.letters += 1;
    else if (code >= 65 && code <= 90) this.capitals += 1;
    else this.seeSign(code, next);
  }

  /** One word of letters. @param kinds bits of `wordKinds`. */
  seeWord(length: number, kinds: number): void {
    this.words += 1;
    this.wordLetters += length;
    if ((kinds & COMPARES) !== 0) this.compares += 1;
    if ((kinds & ORDERS) !== 0) this.orders += 1;
    if ((kinds & COUNTS) !== 0) this.counts += 1;
  }

  /**
   * The measures: logarithms of counts, and shares of characters in tenths.
   * @param tokens words, numbers and signs; `distinct` how many different ones.
   */
  values(characters: number, tokens: number, distinct: number): number[] {
    const share = (count: number): number => (characters === 0 ? 0 : (count / characters) * 10);
    const counted = [this.digits, this.numbers, this.questions, this.dollars, this.percents, this.sentences];
    const rare = [this.decimals, this.fractions, this.compares, this.orders, this.counts];
    const shares = [this.digits, this.signs, this.capitals, this.letters, this.commas];
    return [
      Math.log1p(characters),
      Math.log1p(tokens),
      ...counted.map(Math.log1p),
      ...rare.map(Math.log1p),
      ...shares.map(share),
      this.words === 0 ? 0 : this.wordLetters / this.words,
      tokens === 0 ? 0 : distinct / tokens,
      Math.log1p(Math.max(this.largest, this.number)),
    ];
  }

  private seeDigit(code: number, previous: number): void {
    this.digits += 1;
    if (!isDigit(previous)) {
      this.numbers += 1;
      this.number = 0;
      this.numberDigits = 0;
    }
    this.numberDigits += 1;
    if (this.numberDigits <= DIGITS_MAX) this.number = this.number * 10 + code - 48;
  }

  private seeSign(code: number, next: number): void {
    if (code === COMMA) this.commas += 1;
    else if (code === DOLLAR) this.dollars += 1;
    else if (code === PERCENT) this.percents += 1;
    else if (isMathsSign(code)) this.signs += 1;
    if (code === QUESTION) this.questions += 1;
    const ends = code === STOP || code === QUESTION || code === EXCLAMATION;
    if (ends && (next <= 32 || Number.isNaN(next))) this.sentences += 1;
  }
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** `( ) * + - . / < = > [ ] ^ { | } \` */
function isMathsSign(code: number): boolean {
  return (
    (code >= 40 && code <= 47) ||
    (code >= 60 && code <= 62) ||
    (code >= 91 && code <= 94) ||
    (code >= 123 && code <= 125)
  );
}
