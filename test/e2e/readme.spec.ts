import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { ADMIN_TOKEN } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

const run = promisify(execFile);

/** Where the README expects the gateway and a local server; the test has its own. */
const README_URL = 'http://127.0.0.1:8080';
const README_LOCAL_SERVER = 'http://127.0.0.1:11434/v1';
/** A model of the local server, and how the upstream of the tests is told to bend its answers as Ollama does. */
const README_LOCAL_MODEL = 'llama3.2';
const OLLAMA = 'ollama';

/** Every command of the README in one shell, against a gateway with the demo data; only addresses and that model are replaced. */
let world: World;
let readme: string;
let env: Record<string, string>;
let answers: string[];

beforeAll(async () => {
  world = await World.create({ SEED: 'demo' });
  const key = await pollUntil(
    async () => /API key +(jt_\w+)/.exec(world.gateway.printed())?.[1] ?? null,
    'the demo key',
  );
  readme = (await readFile(resolve(process.cwd(), 'README.md'), 'utf8'))
    .replaceAll(README_LOCAL_SERVER, world.upstream.url)
    .replaceAll(README_LOCAL_MODEL, OLLAMA)
    .replaceAll(README_URL, world.url);
  const blocks = blocksOf('sh');
  const commands = blocks.filter((block) => !/^(npm|export) /.test(block));
  // A record separator after each block, so that their outputs can be told apart.
  const script = commands.map((block) => `${patient(block)}\nprintf '\\036'`).join('\n');
  env = { PATH: process.env['PATH'] ?? '', API_KEY: key, ADMIN_TOKEN, URL: world.url };
  const { stdout } = await run('bash', ['-euo', 'pipefail', '-c', script], { env, maxBuffer: 10_000_000 });
  answers = stdout.split('\u001e').slice(0, commands.length);
});
afterAll(() => world.destroy());

function blocksOf(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, code]) => code ?? '');
}

/** Explanations are written a moment after the answer: their command is repeated, for five seconds at most. */
function patient(block: string): string {
  if (!block.includes('/admin/v1/requests/')) return block;
  return `for _ in $(seq 50); do out=$(${block}); grep -q verdict <<<"$out" && break; sleep 0.1; done; printf '%s' "$out"`;
}

interface Completion {
  choices: { message: { content: string | null; tool_calls?: unknown[] }; finish_reason: string }[];
  metadata: { tier: string; model: string; billing: { credits_used: string } };
}

function json(at: number): unknown {
  return JSON.parse(answers[at] ?? '');
}

describe('the README', () => {
  it('asks plainly and gets a choice, a price and an answer', () => {
    const { choices, metadata } = json(0) as Completion;
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) as string } });
    expect(metadata.model).toMatch(/^sandbox\//);
    expect(Number(metadata.billing.credits_used)).toBeGreaterThan(0);
  });

  it('streams to the end, metadata before [DONE]', () => {
    const events = (answers[1] ?? '').trim().split('\n\n');
    expect(events.length).toBeGreaterThan(5);
    expect(events.at(-1)).toBe('data: [DONE]');
    expect(events.at(-2)).toContain('"metadata"');
  });

  it('gets a tool call', () => {
    const { choices } = json(2) as Completion;
    expect(choices[0]?.finish_reason).toBe('tool_calls');
    expect(choices[0]?.message.tool_calls).toHaveLength(1);
  });

  it('stays in the tier it asks for', () => {
    expect((json(3) as Completion).metadata.tier).toBe('premium');
  });

  it('makes a key with a fixed model, which then answers', () => {
    expect((json(4) as Completion).metadata.model).toBe('sandbox/pro');
  });

  it('shows an error with a hint and both request ids', () => {
    const answer = answers[5] ?? '';
    expect(answer).toMatch(/^HTTP\/1\.1 403 /);
    expect(answer).toMatch(/^x-request-id: /im);
    expect(answer).toMatch(/^x-daoe-request-id: gwr_/im);
    expect(answer).toContain('"type":"policy_rejected"');
    expect(answer).toContain('"hint":');
  });

  it('explains a request by the label of its caller', () => {
    expect(json(7)).toMatchObject({
      client_request_id: 'my-first-label',
      verdict: expect.any(String) as string,
      next_step: expect.any(String) as string,
    });
  });

  it('reads the wallets of the key and what its requests cost', () => {
    expect(json(8)).toMatchObject({ object: 'balance', wallets: [{ tier: 'economy' }, {}, {}] });
    const { object, data } = json(9) as { object: string; data: unknown[] };
    expect([object, data.length]).toEqual(['list', 3]);
  });

  it('lists models for a key and for everybody', () => {
    expect(json(10)).toMatchObject({ object: 'list' });
    expect(json(11)).toMatchObject({ code: 0, data: { models: [{ tier: 'standard' }, { tier: 'standard' }] } });
  });

  it('registers a local server, whose model then answers', () => {
    expect(json(12)).toMatchObject({ upstream_model: OLLAMA });
    const { choices, metadata } = json(13) as Completion;
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: expect.any(String) as string } });
    expect(metadata).toMatchObject({ provider: OLLAMA, tier: 'economy' });
    expect(answers).toHaveLength(14);
  });

  it('shows how the published client is used', async () => {
    const [script = ''] = blocksOf('ts');
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { env, cwd: process.cwd() });
    expect(stdout).toContain('credits_used');
    expect(blocksOf('python')).toEqual([expect.stringContaining(`base_url="${world.url}/openai/v1"`)]);
  });

  it('lists endpoints that exist', async () => {
    const [, table = ''] = /## Endpoints\n\n([\s\S]*?)\n\n/.exec(readme) ?? [];
    const paths = [...table.matchAll(/(?:`|GET |POST )(\/[\w./-]+)`/g)].map(([, path]) => path ?? '');
    expect(paths.length).toBeGreaterThan(9);
    for (const path of paths) {
      const response = await fetch(world.url + path, { headers: { authorization: `Bearer ${env['API_KEY'] ?? ''}` } });
      expect([path, [200, 405].includes(response.status)]).toEqual([path, true]);
    }
  });

  it('links to pages that exist', async () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)].map(([, path]) => path ?? '');
    expect(links.length).toBeGreaterThan(8);
    const { stdout } = await run('ls', ['-d', ...links], { cwd: process.cwd() });
    expect(stdout).not.toBe('');
  });
});
