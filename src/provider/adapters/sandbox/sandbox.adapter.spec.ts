import { promised } from '../../../../test/support/poll.js';
import { AttemptStream } from '../../attempt/attempt-stream.js';
import { completionOutput } from '../../domain/completion-text.js';
import type { JsonRecord } from '../../domain/json.js';
import { normaliseUsage } from '../../domain/usage.js';
import { adapter, callOf, complete, counter, says, stopWatches, weatherTool } from './sandbox.fixtures.js';

afterEach(stopWatches);

describe('the sandbox', () => {
  it('says what it is and shows the prompt, in the shape of OpenAI', async () => {
    const { message, whole } = await complete(says('Hello there!'));
    expect(message).toMatchObject({ role: 'assistant', refusal: null });
    expect(message['content']).toContain('sandbox');
    expect(message['content']).toContain('Hello there!');
    expect(whole).toMatchObject({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{29}$/) as string,
      object: 'chat.completion',
      created: expect.any(Number) as number,
      model: 'sandbox-test',
      choices: [{ index: 0, logprobs: null, finish_reason: 'stop' }],
    });
  });

  it('answers the same request the same way', async () => {
    const [one, two] = [await complete(says('Again')), await complete(says('Again'))];
    expect({ ...one.whole, created: 0 }).toEqual({ ...two.whole, created: 0 });
  });

  it('counts with a real tokenizer', async () => {
    const { whole } = await complete(says('Count me'));
    const usage = normaliseUsage(whole['usage']);
    expect(usage?.outputTokens).toBe(counter.count(completionOutput(whole).text));
    const longer = normaliseUsage((await complete(says('Count me '.repeat(100)))).whole['usage']);
    expect((longer?.inputTokens ?? 0) - (usage?.inputTokens ?? 0)).toBeGreaterThanOrEqual(190);
  });

  it('streams what it would have answered whole, in small pieces, with usage at the end', async () => {
    const body = says('Stream this, please.');
    const { whole } = await complete(body);
    const call = callOf(body);
    const stream = await AttemptStream.open(await adapter.stream(call), call.watch, 1);
    let text = '';
    let chunks = 0;
    for (let group = await stream.next(); group !== null; group = await stream.next()) {
      for (const { pieces, outputChars } of group) {
        chunks += 1;
        text += pieces.map((piece) => piece.text).join('');
        expect(outputChars).toBeLessThan(20);
      }
    }
    expect(text).toBe(completionOutput(whole).text);
    expect(chunks).toBeGreaterThan(10);
    expect(stream.reader.usage).toEqual(normaliseUsage(whole['usage']));
  });

  it('answers in words once the tool has answered', async () => {
    const messages = [
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: 'c', content: '21 degrees' },
    ];
    const { message, finish } = await complete({ messages, tools: [weatherTool] });
    expect(message['content']).toContain('21 degrees');
    expect(finish).toBe('stop');
  });

  it('answers in JSON when asked to, by the schema when there is one', async () => {
    const object = await complete(says('x', { response_format: { type: 'json_object' } }));
    expect(JSON.parse(String(object.message['content']))).toMatchObject({ sandbox: true });
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        tags: { type: 'array', items: { $ref: '#/$defs/tag' }, minItems: 2 },
        born: { type: 'string', format: 'date' },
        score: { anyOf: [{ type: 'number', minimum: 5 }, { type: 'null' }] },
        ok: { type: 'boolean' },
      },
      $defs: { tag: { type: 'string', enum: ['a', 'b'] } },
    };
    const format = { type: 'json_schema', json_schema: { name: 'person', schema } };
    const { message } = await complete(says('x', { response_format: format }));
    expect(JSON.parse(String(message['content']))).toEqual({
      name: 'Ada',
      tags: ['a', 'a'],
      born: '2025-01-01',
      score: 5,
      ok: false,
    });
  });

  it.each([
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 7 }, 7],
    [{ max_tokens: 1 }, 1],
  ])('stops at the limit: %j', async (more, tokens) => {
    const { message, finish, whole } = await complete(says('Hello', more));
    expect(finish).toBe('length');
    expect(counter.count(String(message['content']))).toBe(tokens);
    expect(whole['usage']).toMatchObject({ completion_tokens: tokens });
  });

  it.each(['said', ['never', 'said']])('stops before a stop sequence: %j', async (stop) => {
    const { message, finish } = await complete(says('Hello', { stop }));
    expect(message['content']).toMatch(/You $/);
    expect(finish).toBe('stop');
  });

  it('gives as many choices as asked for', async () => {
    const { whole } = await complete(says('Hello', { n: 3 }));
    expect(whole['choices']).toMatchObject([{ index: 0 }, { index: 1 }, { index: 2 }]);
  });

  it('mentions the images it was sent', async () => {
    const content = [
      { type: 'text', text: '[sandbox:delay=0] Look' },
      { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } },
    ];
    expect((await complete(says(content))).message['content']).toContain('1 image.');
  });

  it('writes as many words as a marker asks for, and goes on from a prefilled beginning', async () => {
    const body = says('[sandbox:words=200] Long');
    const text = String((await complete(body)).message['content']);
    expect(text.split(' ')).toHaveLength(200);
    const begun = { role: 'assistant', content: text.slice(0, 100) };
    const messages = [...(body['messages'] as unknown[]), begun];
    expect((await complete({ messages })).message['content']).toBe(text.slice(100));
  });

  it('writes no more than it can without holding up the process, all choices together', async () => {
    const { whole } = await complete(says('[sandbox:words=100000] Long', { n: 16 }));
    const texts = (whole['choices'] as { message: JsonRecord }[]).map(({ message }) => String(message['content']));
    expect(texts).toHaveLength(16);
    expect(texts.join(' ').split(' ').length).toBeLessThanOrEqual(20_000);
  });

  it('stops at once when it is cancelled', async () => {
    const call = { ...callOf(says('x')), body: says('[sandbox:delay=5000] x') };
    const source = await adapter.stream(call);
    const read = source.read();
    const startedMs = performance.now();
    call.watch.cancel(new Error('gone'));
    await expect(read).rejects.toThrow('gone');
    expect(performance.now() - startedMs).toBeLessThan(promised(100));
  });
});
