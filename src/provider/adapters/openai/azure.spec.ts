import { azurePrefix, azureResource, isAzure } from './azure.js';

describe('isAzure', () => {
  it.each([
    ['https://res.openai.azure.com/openai?api-version=2024-10-21', true],
    ['https://res.openai.azure.com/openai/v1', true],
    ['https://res.services.ai.azure.com/openai/v1', true],
    ['https://gateway.example.org/openai?api-version=2024-10-21', true],
    ['https://api.openai.com/v1', false],
    ['https://example.org/azure.com/v1', false],
    ['https://azure.com.example.org/v1', false],
  ])('%s: %s', (baseUrl, expected) => {
    expect(isAzure(baseUrl)).toBe(expected);
  });
});

describe('azurePrefix', () => {
  it.each([
    ['/openai', '/openai/deployments/gpt%205'],
    ['/openai/deployments', '/openai/deployments/gpt%205'],
    ['/openai/deployments/mine', '/openai/deployments/mine'],
    ['/openai/v1', '/openai/v1'],
  ])('%s', (path, expected) => {
    expect(azurePrefix(path, 'gpt 5')).toBe(expected);
  });
});

it('models are listed by the resource', () => {
  expect(['/openai/deployments/mine', '/openai/deployments', '/openai/v1'].map(azureResource)).toEqual([
    '/openai',
    '/openai',
    '/openai/v1',
  ]);
});
