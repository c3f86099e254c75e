import { pathOfTarget } from './request-target.js';

describe('the path of a request target', () => {
  it.each([
    ['/openai/v1/chat/completions?a=%61', '/openai/v1/chat/completions?a=%61'],
    ['http://gateway.example:8080/openai/v1/models?x=1', '/openai/v1/models?x=1'],
    ['HTTPS://gateway.example', '/'],
    ['http://gateway.example?x=1', '/?x=1'],
    ['/openai/v1/chat/completions#top', '/openai/v1/chat/completions'],
    ['/openai/v1/ch%61t/%63ompletions', '/openai/v1/chat/completions'],
    ['*', '/*'],
    ['gateway.example:443', '/gateway.example:443'],
  ])('of %s is %s', (target, path) => {
    expect(pathOfTarget(target)).toBe(path);
  });

  it('keeps escapes that mean something, and those that mean nothing', () => {
    for (const path of ['/openai/v1/models/a%2Fb', '/a%3Fb', '/a%25b', '/a%20b', '/%zz', '/%e4', '/%']) {
      expect(pathOfTarget(path)).toBe(path);
    }
  });
});
