import type { IncomingMessage } from 'node:http';
import { hostFault, pathOfTarget } from './request-target.js';

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

describe('the host of a request', () => {
  const faultOf = (hosts: string[], target = '/health', httpVersion = '1.1'): string | null => {
    const rawHeaders = ['Accept', 'host', ...hosts.flatMap((host, at) => [at === 0 ? 'Host' : 'hOST', host])];
    return hostFault({ rawHeaders, httpVersion } as unknown as IncomingMessage, target);
  };

  it.each([
    'x',
    'gateway.example',
    'gateway_1.example:8080',
    'gateway.example:',
    '127.0.0.1:80',
    '[::1]:3000',
    '[::ffff:127.0.0.1]',
    'xn--bcher-kva.example',
    '%2Frun%2Fgateway.sock',
  ])('may be %s', (host) => {
    expect(faultOf([host])).toBeNull();
    expect(faultOf(['other'], `http://${host}/health`)).toBeNull();
  });

  it.each([
    '',
    'a b',
    'a,b',
    'a/b',
    'user@a',
    'a:80:80',
    'a:port',
    'a:655350',
    '[::1',
    '[a]',
    '[1.2.3.4]',
    '::1',
    'b\u00fccher',
    'a%zz',
    '"a"',
    'http://a',
  ])('cannot be %j', (host) => {
    expect(faultOf([host])).toBe('the Host header is not a host');
  });

  it('is named once, also when both names are the same', () => {
    for (const hosts of [
      ['a', 'b'],
      ['a', 'a'],
    ])
      expect(faultOf(hosts)).toBe('the request has more than one Host header');
    expect(faultOf(['a', 'b'], '/', '1.0')).toBe('the request has more than one Host header');
  });

  it('may be missing in HTTP/1.0 only', () => {
    expect(faultOf([])).toBe('the Host header is missing');
    expect(faultOf([], '/', '1.0')).toBeNull();
  });

  it.each(['http:///health', 'http://user@a/health', 'https://a:b/health', 'http://?x'])(
    'is in an absolute target, unlike in %s',
    (target) => {
      expect(faultOf(['a'], target)).toBe('the request target does not name a host');
    },
  );
});
