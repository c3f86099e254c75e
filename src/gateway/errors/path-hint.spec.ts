import { RouteTable } from '../route-table.js';
import { pathHint } from './path-hint.js';

const routes = new RouteTable();
routes.add('POST', '/openai/v1/chat/completions');
routes.add('GET', '/openai/v1/models');
routes.add('GET', '/openai/v1/models/*');
routes.add('GET', '/admin/v1/accounts');

describe('the hint for an unknown path', () => {
  it.each([
    ['/v1/chat/completions', '/openai/v1/chat/completions'],
    ['/chat/completions', '/openai/v1/chat/completions'],
    ['/openai/chat/completions', '/openai/v1/chat/completions'],
    ['/openai/v1/v1/chat/completions', '/openai/v1/chat/completions'],
    ['/openai/v1/chat/completions/chat/completions', '/openai/v1/chat/completions'],
    ['/openai/deployments/small/chat/completions', '/openai/v1/chat/completions'],
    ['/v1/models', '/openai/v1/models'],
    ['/v1/models/acme/small', '/openai/v1/models/acme/small'],
  ])('names the right path and base URL for %s', (path, right) => {
    expect(pathHint(path, routes)).toContain(`The path is ${right}. `);
  });

  it.each(['/openai/v1/audio/speech', '/openai/v1/files', '/openai/v1/batches'])(
    'says that %s is not served',
    (path) => {
      expect(pathHint(path, routes)).toContain('does not serve');
    },
  );

  it.each(['/', '/nothing', '/v1/accounts', `/${'a/'.repeat(1_000)}`])('is silent about %s', (path) => {
    expect(pathHint(path, routes)).toBeUndefined();
  });
});
