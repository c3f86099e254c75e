import { textOf } from './answer.js';
import { startUpstream, type RunningUpstream } from './server.js';

let upstream: RunningUpstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

function ask(model: string, more: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Response> {
  return fetch(`${upstream.url}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'hi' }], ...more }),
    ...(signal === undefined ? {} : { signal }),
  });
}

async function events(model: string, more: Record<string, unknown> = {}): Promise<string[]> {
  return dataOf(await (await ask(model, { stream: true, ...more })).text());
}

function dataOf(text: string): string[] {
  return text.split(/\r?\n/).flatMap((line) => (line.startsWith('data:') ? [line.slice(5).trim()] : []));
}

function contentOf(data: readonly string[]): string {
  const chunks = data.filter((item) => item !== '' && item !== '[DONE]').map((item) => JSON.parse(item) as Chunk);
  return chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
}

interface Chunk {
  choices: { delta: { content?: string; tool_calls?: { index: number; function: { arguments?: string } }[] } }[];
  usage?: { completion_tokens: number } | null;
}

describe('upstream', () => {
  it('answers the same text plain and streamed, of the length asked for', async () => {
    const plain = (await (await ask('ok-n30-p7')).json()) as {
      choices: { message: { content: string } }[];
      usage: Record<string, unknown>;
    };
    expect(plain.choices[0]?.message.content).toBe(textOf(30));
    expect(plain.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 30, total_tokens: 37 });
    for (const model of ['ok-n30', 'fast-n30', 'crlf-n30', 'noise-n30', 'slow-tokens-d1-n30', 'usage-null-n30']) {
      const data = await events(model);
      expect(contentOf(data)).toBe(textOf(30));
      expect(data.at(-1)).toBe('[DONE]');
    }
  });

  it('sends a usage chunk only when asked', async () => {
    const usages = (data: readonly string[]): unknown[] => data.filter((item) => item.includes('completion_tokens'));
    expect(usages(await events('ok'))).toHaveLength(0);
    expect(usages(await events('ok', { stream_options: { include_usage: true } }))).toHaveLength(1);
    expect(usages(await events('usage-absent', { stream_options: { include_usage: true } }))).toHaveLength(0);
    expect(usages(await events('usage-twice-n3'))).toHaveLength(4);
  });

  it('breaks streams as asked', async () => {
    await expect(events('cut-a2')).rejects.toThrow();
    expect(await events('eof-a2')).toHaveLength(3);
    expect(await events('no-done-n2')).not.toContain('[DONE]');
    expect((await events('error-in-stream-a1')).at(-1)).toContain('"error"');
    await expect(ask('reset')).rejects.toThrow();
    await expect(ask('close')).rejects.toThrow();
  });

  it('streams tool arguments in pieces that join to JSON', async () => {
    const data = await events('tools-parallel');
    const joined = ['', ''];
    for (const item of data.filter((text) => text !== '[DONE]')) {
      for (const { index, function: part } of (JSON.parse(item) as Chunk).choices[0]?.delta.tool_calls ?? []) {
        joined[index] = (joined[index] ?? '') + (part.arguments ?? '');
      }
    }
    expect(joined.map((text) => typeof JSON.parse(text))).toEqual(['object', 'object']);
  });

  it('continues exactly after an assistant prefill', async () => {
    const delivered = textOf(5);
    const messages = [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: delivered },
    ];
    expect(delivered + contentOf(await events('prefill-n20', { messages }))).toBe(textOf(20));
  });

  it('answers errors with status and Retry-After, and recovers a flaky model', async () => {
    const limited = await ask('status-429-r7');
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '7']);
    expect([(await ask('flaky-a1')).status, (await ask('flaky-a1')).status]).toEqual([500, 200]);
    expect((await ask('no-such-model')).status).toBe(404);
  });

  it('tells what it saw: the body, and when the client left', async () => {
    const leaving = new AbortController();
    const response = await ask('stall-a1', { stream: true, user: 'leaver' }, leaving.signal);
    await response.body?.getReader().read();
    leaving.abort();
    const root = upstream.url.replace('/v1', '');
    let seen: { body: string; hungUpAtMs: number | null }[] = [];
    const givenUpAt = Date.now() + 5_000;
    while ((seen[0]?.hungUpAtMs ?? null) === null && Date.now() < givenUpAt) {
      const answer = (await (await fetch(`${root}/_calls?contains=leaver`)).json()) as { calls: typeof seen };
      seen = answer.calls;
    }
    expect(seen).toHaveLength(1);
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ model: 'stall-a1', user: 'leaver' });
    expect(seen[0]?.hungUpAtMs).toEqual(expect.any(Number));
  });

  it('holds a call until its model is given another behaviour', async () => {
    const root = upstream.url.replace('/v1', '');
    const set = (model: string, behaviour: string) =>
      fetch(`${root}/_models/${model}`, { method: 'PUT', body: JSON.stringify({ behaviour }) });
    await set('gate', 'held-a2-n5');
    const reader = (await ask('gate', { stream: true })).body?.pipeThrough(new TextDecoderStream()).getReader();
    let seen = '';
    const read = async (): Promise<void> => {
      seen += (await reader?.read())?.value ?? '';
    };
    while (!seen.includes(textOf(5).split(' ')[1] ?? '')) await read();
    await set('other', 'ok');
    expect(seen).not.toContain('[DONE]');
    await set('gate', 'ok-n3');
    while (!seen.includes('[DONE]')) await read();
    expect(contentOf(dataOf(seen))).toBe(textOf(5));
    expect(contentOf(await events('gate'))).toBe(textOf(3));
  });

  it('takes another behaviour for a model name by hand', async () => {
    const root = upstream.url.replace('/v1', '');
    await fetch(`${root}/_models/anything`, { method: 'PUT', body: JSON.stringify({ behaviour: 'status-503' }) });
    expect((await ask('anything')).status).toBe(503);
    await fetch(`${root}/_models/anything`, { method: 'DELETE' });
    expect((await ask('anything')).status).toBe(404);
  });
});
