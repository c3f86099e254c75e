import { AdminClient } from '../support/admin.js';
import { chat, prompt } from '../support/chat.js';
import { Installation } from '../support/standalone.js';

/** What `npm start` does beside others and after a crash; the keeper of the embedded Postgres has tests of its own. */
let home: Installation;
beforeEach(async () => {
  home = await Installation.create();
});
afterEach(() => home.destroy());

describe('npm start', () => {
  it('after kill -9 goes on with everything that was there', async () => {
    const first = await home.start();
    const key = first.apiKey;
    expect((await chat(first.url, prompt('auto'), { key })).status).toBe(200);
    await first.stop('SIGKILL');
    const second = await home.start();
    expect((await chat(second.url, prompt('auto'), { key })).status).toBe(200);
  });

  it('beside another instance shares the data; the one that is left goes on, and the last one ends Postgres', async () => {
    const first = await home.start();
    const key = first.apiKey;
    const second = await home.start();
    expect(second.url).not.toBe(first.url);
    expect((await chat(second.url, prompt('auto'), { key })).status).toBe(200);
    expect(await first.stop()).toBe(0);
    expect((await chat(second.url, prompt('auto'), { key })).status).toBe(200);
    expect(await second.stop()).toBe(0);
    expect(await home.postgresPid()).toBeNull();
  });

  it('twice at the same moment on an empty folder makes the demo data once', async () => {
    const both = await Promise.all([home.start(), home.start()]);
    const keys = both.filter(({ stdout }) => stdout.includes('API key'));
    const tokens = both.filter(({ stdout }) => stdout.includes('ja_'));
    expect([keys.length, tokens.length]).toEqual([1, 1]);
    const admin = new AdminClient(both[0].url, tokens[0]?.adminToken);
    expect((await admin.get<{ data: unknown[] }>('/accounts')).data).toHaveLength(2);
    expect((await admin.get<{ data: unknown[] }>('/providers')).data).toHaveLength(1);
  });

  it('SIGINT to npm ends everything with exit code 0', async () => {
    const npm = await home.start({}, { npm: true });
    expect((await chat(npm.url, prompt('auto'), { key: npm.apiKey })).status).toBe(200);
    expect(await npm.stop('SIGINT')).toBe(0);
    expect(await home.postgresPid()).toBeNull();
  });
});
