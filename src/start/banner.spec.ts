import { banner, type BannerFacts } from './banner.js';

const FIRST: BannerFacts = {
  url: 'http://127.0.0.1:8080',
  version: '0.1.0',
  startedInMs: 1_940,
  dataDir: '/srv/gateway/.data',
  apiKey: 'jt_key',
  adminToken: 'ja_token',
  adminTokenConfigured: false,
  demoAccountId: 'account-1',
};

const RESTART: BannerFacts = { ...FIRST, apiKey: null, adminToken: null };

describe('banner', () => {
  it('shows base URL, key and admin token of a first start, and a streaming call with that key', () => {
    const text = banner(FIRST);
    expect(text).toMatch(/base URL +http:\/\/127\.0\.0\.1:8080\/openai\/v1\n/);
    expect(text).toMatch(/API key +jt_key /);
    expect(text).toMatch(/admin token +ja_token /);
    expect(text).toContain('curl -N http://127.0.0.1:8080/openai/v1/chat/completions \\\n');
    expect(text).toContain("-H 'Authorization: Bearer jt_key'");
    expect(text).toContain('"stream":true');
  });

  it('says on a restart how to make a new key, for the account of the demo', () => {
    const text = banner(RESTART);
    expect(text).not.toContain('jt_');
    expect(text).toContain('/admin/v1/api-keys');
    expect(text).toContain('"owner_account_id":"account-1"');
    expect(text).toContain('Bearer <admin token>');
    expect(banner({ ...RESTART, adminTokenConfigured: true })).toContain('Bearer $ADMIN_TOKEN');
  });

  it('never shows an ADMIN_TOKEN that the operator has set', () => {
    expect(banner({ ...RESTART, adminTokenConfigured: true })).toMatch(/admin token +as set in ADMIN_TOKEN\n/);
  });

  it('offers no demo where there is none', () => {
    const text = banner({ ...RESTART, demoAccountId: null, dataDir: null });
    expect(text).not.toContain('curl');
    expect(text).not.toMatch(/^ +data/m);
  });
});
