import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { AdminClient } from '../support/admin.js';
import { chat, prompt, readUntil, requestIdOf, type Completion } from '../support/chat.js';
import { pollUntil, refusesConnections } from '../support/poll.js';
import { Installation, StandaloneGateway } from '../support/standalone.js';
import { UpstreamProcess } from '../support/upstream/client.js';

let home: Installation;
beforeEach(async () => {
  home = await Installation.create();
});
afterEach(() => home.destroy());

async function occupiedPort(): Promise<{ port: number; free: () => void }> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, free: () => server.close() };
}

describe('npm start', () => {
  it('on an empty folder prints base URL, key, token and a command that streams an answer', async () => {
    const gateway = await home.start();
    const printed = await StandaloneGateway.paste(gateway.command);
    const data = printed.split('\n').filter((line) => line.startsWith('data: '));
    expect(data.at(-1)).toBe('data: [DONE]');
    expect(JSON.parse(data.at(-2)?.slice('data: '.length) ?? '')).toHaveProperty('metadata.billing.credits_used');
    const admin = new AdminClient(gateway.url, gateway.adminToken);
    const { data: models } = await admin.get<{ data: { tier: string }[] }>('/models');
    for (const tier of ['economy', 'standard', 'premium']) {
      expect(models.filter((model) => model.tier === tier).length).toBeGreaterThanOrEqual(2);
    }
    const { data: accounts } = await admin.get<{ data: { id: string; kind: string }[] }>('/accounts');
    expect(accounts.map(({ kind }) => kind).sort()).toEqual(['organization', 'personal']);
    for (const { id } of accounts) {
      for (const tier of ['economy', 'standard', 'premium']) {
        expect(Number((await admin.wallet(id, tier)).available)).toBeGreaterThan(1_000);
      }
    }
  });

  it('a second time keeps the data, shows no old key and says how to make a new one', async () => {
    const first = await home.start();
    const [key, token] = [first.apiKey, first.adminToken];
    const requestId = requestIdOf(await chat(first.url, prompt('auto'), { key }));
    expect(await first.stop()).toBe(0);
    expect(await home.postgresPid()).toBeNull();
    const second = await home.start({}, { cwd: tmpdir() });
    expect(second.stdout).not.toContain(key);
    expect((await chat(second.url, prompt('auto'), { key })).status).toBe(200);
    const printed = await StandaloneGateway.paste(second.command.replace('<admin token>', token));
    const made = (JSON.parse(printed) as { key: string }).key;
    expect((await chat(second.url, prompt('auto'), { key: made })).status).toBe(200);
    const admin = new AdminClient(second.url, token);
    expect((await admin.get<{ data: unknown[] }>('/accounts')).data).toHaveLength(2);
    // A request of the very last moment is settled and explained all the same.
    expect(await admin.settled(requestId)).toMatchObject({ status: 'settled' });
    const { stages } = await admin.trace(requestId);
    expect(stages.map(({ status }) => status)).toEqual(Array.from({ length: 9 }, () => 'passed'));
  });

  it('with a port in use says so in one line, starts no database and exits 1', async () => {
    const { port, free } = await occupiedPort();
    const gateway = await home.launch({ PORT: String(port) });
    expect(await gateway.ended()).toBe(1);
    expect(gateway.stderr).toBe(`PORT: ${port} on 127.0.0.1 is in use by another program; set PORT to a free one\n`);
    expect(await home.postgresPid()).toBeNull();
    free();
  });

  it('with wrong settings prints every fault and exits 1', async () => {
    const gateway = await home.launch({ PORT: 'web', LOG_LEVEL: 'loud', DATABASE_URL: 'postgres://127.0.0.1/x' });
    expect(await gateway.ended()).toBe(1);
    for (const name of ['PORT', 'LOG_LEVEL']) expect(gateway.stderr).toContain(`  ${name}: `);
    expect(gateway.stderr).not.toContain('    at ');
  });

  it('names every setting that an external database needs', async () => {
    const gateway = await home.launch({ DATABASE_URL: 'postgres://127.0.0.1/x' });
    expect(await gateway.ended()).toBe(1);
    expect(gateway.stderr).toContain('  HASH_SECRETS: required when DATABASE_URL is set\n');
    expect(gateway.stderr).toContain('  ENCRYPTION_SECRETS: required when DATABASE_URL is set\n');
  });

  it('with keys of vendors has real models, which take auto over from the sandbox', async () => {
    const upstream = await UpstreamProcess.start();
    const concrete = { 'gpt-4.1-mini': 'openai', 'claude-haiku-4-5': 'anthropic', 'gemini-3.8-flash': 'gemini' };
    try {
      for (const model of ['gpt-4.1-nano', 'gpt-4o-mini', 'gpt-4.1', 'gpt-4o', ...Object.keys(concrete)]) {
        await upstream.setBehaviour(model, 'ok-n5-p7');
      }
      const first = await home.start();
      const key = first.apiKey;
      await first.stop();
      const second = await home.start({
        OPENAI_API_KEY: 'sk-test',
        OPENAI_BASE_URL: upstream.url,
        ANTHROPIC_API_KEY: 'sk-test',
        ANTHROPIC_BASE_URL: upstream.url,
        GEMINI_API_KEY: 'sk-test',
        GEMINI_BASE_URL: `${new URL(upstream.url).origin}/v1beta`,
        ALLOW_PRIVATE_UPSTREAMS: 'true',
      });
      const answer = await chat(second.url, prompt('auto', { tier: 'standard' }), { key });
      expect(Object.keys(concrete)).toContain(answer.headers.get('x-daoe-used-model'));
      for (const [model, provider] of Object.entries(concrete)) {
        const { metadata } = (await (await chat(second.url, prompt(model), { key })).json()) as Completion;
        expect(metadata).toMatchObject({ provider, billing: { input_tokens: 7, output_tokens: 5 } });
      }
      expect((await chat(second.url, prompt('sandbox/base'), { key })).status).toBe(200);
    } finally {
      await upstream.stop();
    }
  });

  it('says what to set when the base URL of a vendor is refused', async () => {
    const gateway = await home.launch({ GEMINI_API_KEY: 'sk-test', GEMINI_BASE_URL: 'http://127.0.0.1:1/v1' });
    expect(await gateway.ended()).toBe(1);
    expect(gateway.stderr).toMatch(/^GEMINI_BASE_URL: .*ALLOW_PRIVATE_UPSTREAMS=true/);
  });
});

describe('the end of npm start', () => {
  it('SIGTERM to npm ends everything with exit code 0', async () => {
    const npm = await home.start({}, { npm: true });
    expect((await chat(npm.url, prompt('auto'), { key: npm.apiKey })).status).toBe(200);
    expect(await npm.stop('SIGTERM')).toBe(0);
    expect(await home.postgresPid()).toBeNull();
  });

  it('SIGTERM lets a stream end, refuses new connections meanwhile, settles it and exits 0', async () => {
    const upstream = await UpstreamProcess.start();
    const gateway = await home.start({ ALLOW_PRIVATE_UPSTREAMS: 'true' });
    const admin = new AdminClient(gateway.url, gateway.adminToken);
    const key = gateway.apiKey;
    await upstream.setBehaviour('gate', 'held-a2-n30');
    await addModel(admin, upstream.url, 'gate');
    const response = await chat(gateway.url, prompt('gate', { stream: true }), { key });
    const early = await readUntil(response, 'data:');
    gateway.signal('SIGTERM');
    // One keystroke at `npm start` is two signals.
    gateway.signal('SIGTERM');
    await pollUntil(() => refusesConnections(gateway.url), 'refused connections');
    await upstream.setBehaviour('gate', 'ok');
    const all = early + (await readUntil(response, '[DONE]'));
    expect(all.trimEnd().endsWith('data: [DONE]')).toBe(true);
    expect(await gateway.ended()).toBe(0);
    await upstream.stop();
    const again = await home.start();
    const later = new AdminClient(again.url, gateway.adminToken);
    const usage = await later.settled(requestIdOf(response));
    expect(usage).toMatchObject({ status: 'settled', output_tokens: 30, usage_source: 'provider' });
  });

  it('does not wait longer than SHUTDOWN_TIMEOUT_MS for a stream that does not end, and bills what was delivered', async () => {
    const upstream = await UpstreamProcess.start();
    const gateway = await home.start({ ALLOW_PRIVATE_UPSTREAMS: 'true', SHUTDOWN_TIMEOUT_MS: '300' });
    await addModel(new AdminClient(gateway.url, gateway.adminToken), upstream.url, 'stall-a2');
    const response = await chat(gateway.url, prompt('stall-a2', { stream: true }), { key: gateway.apiKey });
    await readUntil(response, 'data:');
    gateway.signal('SIGTERM');
    await expect(readUntil(response, '[DONE]')).rejects.toThrow();
    expect(await gateway.ended()).toBe(0);
    await upstream.stop();
    const later = new AdminClient((await home.start()).url, gateway.adminToken);
    const usage = await later.settled(requestIdOf(response));
    expect(usage).toMatchObject({ status: 'settled', usage_source: 'estimated' });
  });
});

async function addModel(admin: AdminClient, baseUrl: string, behaviour: string): Promise<void> {
  const provider = { name: 'acme', adapter: 'openai', base_url: baseUrl, api_key: 'sk-acme' };
  const { id: providerId } = await admin.post<{ id: string }>('/providers', provider);
  const { id } = await admin.post<{ id: string }>('/models', {
    model_key: behaviour,
    display_name: behaviour,
    tier: 'standard',
    context_window: 128_000,
    max_output_tokens: 8192,
    customer_input_mtok: '200',
    customer_output_mtok: '900',
    enabled: true,
  });
  await admin.post(`/models/${id}/endpoints`, { provider_id: providerId, upstream_model: behaviour });
}
