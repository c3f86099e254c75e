import { csvLine } from './csv.js';

describe('csvLine', () => {
  it('joins cells and ends the line as RFC 4180 says', () => {
    expect(csvLine(['a', 1, true, null, undefined, '-0.000001'])).toBe('a,1,true,,,-0.000001\r\n');
  });

  it('quotes commas, quotes and line ends', () => {
    expect(csvLine(['a,b', 'say "hi"', 'two\nlines'])).toBe('"a,b","say ""hi""","two\nlines"\r\n');
  });

  it.each(['=1+1', '+cmd', '-2+3', '@x', '\tx'])('takes the power out of the formula %j', (text) => {
    expect(csvLine([text])).toBe(`'${text}\r\n`);
  });
});
