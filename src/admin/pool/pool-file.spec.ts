import { readPool, type ReadPool } from './pool-file.js';
import { PoolRefusedError } from './pool-places.js';

const NOW_MS = Date.parse('2026-11-22T12:00:00Z');
const ENVIRONMENT = { ACME_KEY: 'sk-canary-0123456789', ACME_REGION: 'eu' };

const read = (text: string, environment: Record<string, string> = ENVIRONMENT): ReadPool =>
  readPool('pool.yaml', text, environment, NOW_MS);

interface Said {
  line: number;
  message: string;
}

function faultsOf(text: string): Said[] {
  try {
    read(text);
  } catch (error) {
    if (!(error instanceof PoolRefusedError)) throw error;
    expect(error.message.split('\n')).toHaveLength(error.faults.length);
    return error.faults.map(({ line, message }) => ({ line, message }));
  }
  return [];
}

/** What the comments `#! …` of a text demand: one fault on each such line that says this, and no other. */
function expectDemandedFaults(text: string): void {
  const demanded = text.split('\n').flatMap((line, at) => {
    const said = /#! (.*)$/.exec(line)?.[1];
    return said === undefined ? [] : [{ line: at + 1, message: expect.stringContaining(said) as string }];
  });
  expect(demanded.length).toBeGreaterThan(0);
  expect(faultsOf(text)).toEqual(demanded);
}

const sayingsOf = (text: string): string =>
  faultsOf(text)
    .map(({ line, message }) => `${String(line)}: ${message}`)
    .join('\n');

describe('a pool file', () => {
  it('is read with its references, whose values stay out of it', () => {
    const { file, secrets } = read(`
version: 1
providers:
  - { name: acme, adapter: openai, base_url: 'https://\${ACME_REGION}.acme.example/v1', api_key: '\${ACME_KEY}' }
  - { name: later, adapter: openai, base_url: 'https://later.example/v1', api_key: '\${LATER_KEY}', enabled: if_key }
models:
policies:
`);
    expect(file.providers?.[0]).toMatchObject({
      base_url: 'https://eu.acme.example/v1',
      api_key: '${ACME_KEY}',
      enabled: true,
    });
    expect(JSON.stringify(file)).not.toContain('canary');
    expect([...secrets]).toEqual([['ACME_KEY', ENVIRONMENT.ACME_KEY]]);
  });

  it('is refused for everything that is wrong with its shape, each with its line', () => {
    expectDemandedFaults(`version: 1
markup_percent: 2000 #! Too big
surprise: true #! there is no such field
providers:
  - name: acme
    adapter: openai
    base_url: https://acme.example/v1
    api_key: sk-canary-literal #! must be a reference such as \${OPENAI_API_KEY}
    api_kye: \${ACME_KEY} #! there is no such field
  - name: beta #! expected string
    adapter: openai
models:
  - model_key: auto:best #! reserved
    display_name: Small
    tier: gold #! Invalid option
    context_window: many #! expected number
    max_output_tokens: 100
    prices:
      - input_usd_mtok: cheap #! must be a decimal
        output_usd_mtok: -1 #! must not be negative
        effective_at: tomorrow #! Invalid ISO datetime
    endpoints:
      - provider: acme
        upstream_model: small
        provider_id: 018f #! there is no such field
        timeouts:
          connect_ms: 1 #! Too small
policies:
  - name: office
    allowed_tiers: [gold] #! Invalid option
`);
  });

  it('is refused for everything that makes no sense in it, each with its line', () => {
    expectDemandedFaults(`version: 1
providers:
  - { name: acme, adapter: openai, base_url: 'https://acme.example/v1', api_key: '\${ACME_KEY}' }
  - { name: acme, adapter: openai, base_url: 'https://acme.example/v1' } #! acme is there twice
  - { name: beta, adapter: openai, base_url: 'https://\${NOWHERE}.example/v1' } #! \${NOWHERE} is not set
  - { name: gamma, adapter: openai, base_url: 'https://gamma.example/v1', api_key: '\${GAMMA_KEY}' } #! GAMMA_KEY is not set
models:
  - model_key: acme/small
    display_name: Small
    tier: economy
    context_window: 1000
    max_output_tokens: 2000 #! must not be beyond context_window
    prices:
      - input_usd_mtok: 1500 #! must not be beyond 1000 USD
        output_usd_mtok: 0 #! a call without a price would be free
        cacheread_usd_mtok: 1600 #! must not be beyond input_usd_mtok
        cachewrite_usd_mtok: 7000 #! must not be beyond 4 times
        as_of: 2026-11-23 #! is in the future
      - { input_usd_mtok: 1, output_usd_mtok: 1 } #! no effective_at is there twice
    endpoints:
      - { provider: acme, upstream_model: small }
      - { provider: acme, upstream_model: small } #! acme small is there twice
  - { model_key: acme/small, display_name: S, tier: economy, context_window: 9, max_output_tokens: 9 } #! acme/small is there twice
policies:
  - { name: office }
  - { name: office } #! office is there twice
`);
  });

  it.each([
    ['no file at all', '', 'must be a map'],
    ['another version', 'version: 2', 'must be 1'],
    ['a list', '- 1', 'must be a map'],
    ['bad YAML', 'version: 1\nproviders: [', '2: '],
    ['a key twice', 'version: 1\nversion: 1', '2: Map keys must be unique'],
    ['two documents', 'version: 1\n---\nversion: 1', 'multiple documents'],
    ['an alias of nothing', 'version: *one', 'Unresolved alias'],
    ['a prototype', 'version: 1\n__proto__: { providers: [] }', 'there is no such field'],
  ])('is refused when it is %s', (_case, text, said) => {
    expect(sayingsOf(text)).toContain(said);
  });

  it('cannot fill the memory with aliases of aliases', () => {
    const levels = 'bcdefghijk'.split('').map((name, at) => {
      const before = `*${'abcdefghij'[at] ?? ''}`;
      return `${name}: &${name} [${Array.from({ length: 10 }, () => before).join(', ')}]`;
    });
    expect(sayingsOf(`a: &a [1, 1]\n${levels.join('\n')}`)).toContain('alias');
  });

  it('shows no secret in what it refuses', () => {
    const literal = `version: 1\nproviders:\n  - { name: a, adapter: openai, base_url: 'https://a.example', api_key: sk-canary-1 }`;
    const misplaced = `version: 1\nproviders:\n  - { name: a, adapter: sk-canary-2, base_url: 5, enabled: sk-canary-3 }`;
    const broken = `version: 1\nproviders:\n  - api_key: "sk-canary-4\n`;
    expect([literal, misplaced, broken].map(sayingsOf).join('\n')).not.toContain('canary');
  });
});
