import { RouteTable } from './route-table.js';

describe('the route table', () => {
  const table = new RouteTable();
  table.add('POST', '/openai/v1/chat/completions');
  table.add('GET', '/admin/v1/models/:id');
  table.add('PATCH', '/admin/v1/models/:id');
  table.add('GET', '/openai/v1/models/*');

  it.each([
    ['/openai/v1/chat/completions', ['POST']],
    ['/openai/v1/chat/completions/?a=1', ['POST']],
    ['/admin/v1/models/7', ['GET', 'PATCH']],
    ['/admin/v1/models', []],
    ['/openai/v1/unknown', []],
    ['/openai/v1/models', []],
    ['/openai/v1/models/gpt', ['GET']],
    ['/openai/v1/models/acme/small', ['GET']],
  ])('knows the methods of %s', (url, methods) => {
    expect(table.methodsOf(url)).toEqual(methods);
  });
});
