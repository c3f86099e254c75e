import { ConfigError, readConfig } from './config.js';

const SECRET = Buffer.alloc(32, 1).toString('base64');

function faultsOf(environment: NodeJS.ProcessEnv): readonly string[] {
  try {
    readConfig(environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('configuration', () => {
  it('needs no setting at all', () => {
    expect(readConfig({})).toMatchObject({ HOST: '127.0.0.1', PORT: 8080, DATA_DIR: '.data', WORKERS_ENABLED: true });
  });

  it('takes an empty variable for an absent one', () => {
    expect(readConfig({ PORT: '', OPENAI_API_KEY: '' })).toEqual(readConfig({}));
  });

  it('names every fault at once, and never the value of a secret', () => {
    const faults = faultsOf({
      PORT: '80 80',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://root:canary@db/gateway',
      HASH_SECRETS: '1:canary',
      ADMIN_TOKEN: 'canary',
      ALLOW_PRIVATE_UPSTREAMS: 'perhaps',
    });
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'LOG_LEVEL',
      'ADMIN_TOKEN',
      'HASH_SECRETS',
      'ALLOW_PRIVATE_UPSTREAMS',
    ]);
    expect(faults.join('\n')).not.toContain('canary');
  });

  it.each(['', ' ', '-1', '1.5', '0x10', '1e3', '65536'])('takes %j for no port number', (PORT) => {
    expect(faultsOf({ PORT: PORT === '' ? ' ' : PORT })).toEqual(['PORT: must be a whole number from 0 to 65535']);
  });

  it('wants both secrets with a database of its own', () => {
    expect(faultsOf({ DATABASE_URL: 'postgres://db/gateway' })).toEqual([
      'HASH_SECRETS: required when DATABASE_URL is set',
      'ENCRYPTION_SECRETS: required when DATABASE_URL is set',
    ]);
  });

  it('refuses secrets that are short or share a number', () => {
    expect(faultsOf({ HASH_SECRETS: '1:c2hvcnQ=' })).toEqual(['HASH_SECRETS: each secret must have at least 32 bytes']);
    expect(faultsOf({ HASH_SECRETS: `1:${SECRET},01:${SECRET}` })).toEqual([
      'HASH_SECRETS: two secrets have the same number',
    ]);
    expect(faultsOf({ HASH_SECRETS: `1:${SECRET},2:${SECRET}` })).toEqual([]);
  });

  it('reads lists and flags as people write them', () => {
    const config = readConfig({ TRUSTED_PROXIES: ' 10.0.0.0/8, ::1 ,', WORKERS_ENABLED: 'no' });
    expect(config.TRUSTED_PROXIES).toEqual(['10.0.0.0/8', '::1']);
    expect(config.WORKERS_ENABLED).toBe(false);
  });
});
