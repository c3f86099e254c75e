import { HI, vendorBench } from '../../../../test/support/vendor-bench.js';
import { messageOf, sendEvents, sendJson, type Json } from '../../../../test/support/vendor-wire.js';
import { GeminiAdapter } from './gemini.adapter.js';
import { NOW, PARIS, STREAMED, textAnswer, WHOLE } from './gemini.fixtures.js';

const bench = vendorBench((pools, clock) => new GeminiAdapter(pools, clock), {
  model: 'gemini-3-flash-preview',
  path: '/v1beta',
  plain: textAnswer('Hello.'),
});

const WEATHER = {
  type: 'function',
  function: { name: 'get_weather', description: 'Weather.', parameters: { type: 'object', properties: {} } },
};

describe('a request to Gemini', () => {
  it('has its instructions apart, its media, calls and the results of one turn together', async () => {
    const sent = await bench.sentFor({
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?', cache_control: { type: 'ephemeral' } },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } },
            { type: 'image_url', image_url: { url: 'https://example.com/cat.webp' } },
            { type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            {
              id: 'c1',
              type: 'function',
              function: { name: 'get_weather', arguments: '{"city":"Paris"}' },
              extra_content: { google: { thought_signature: 'sig-1' } },
            },
            { id: 'c2', type: 'function', function: { name: 'get_weather', arguments: '{}' }, thought_signature: 's2' },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
        { role: 'tool', tool_call_id: 'c2', content: 'sun' },
        { role: 'developer', content: 'Answer in French.' },
        { role: 'user', content: 'And now?' },
      ],
      max_tokens: 300,
      temperature: 1.4,
      top_p: 0.9,
      seed: 7,
      presence_penalty: 0.5,
      stop: 'END',
      tools: [WEATHER],
      tool_choice: { type: 'function', function: { name: 'get_weather' } },
    });
    expect(sent).toEqual({
      systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'Answer in French.' }] },
      generationConfig: {
        maxOutputTokens: 300,
        temperature: 1.4,
        topP: 0.9,
        seed: 7,
        presencePenalty: 0.5,
        stopSequences: ['END'],
      },
      contents: [
        {
          role: 'user',
          parts: [
            { text: 'What is this?' },
            { inlineData: { mimeType: 'image/png', data: 'iVBORw0KGgo=' } },
            { fileData: { mimeType: 'image/webp', fileUri: 'https://example.com/cat.webp' } },
            { inlineData: { mimeType: 'audio/wav', data: 'UklGRg==' } },
          ],
        },
        {
          role: 'model',
          parts: [
            { functionCall: { id: 'c1', name: 'get_weather', args: { city: 'Paris' } }, thoughtSignature: 'sig-1' },
            { functionCall: { id: 'c2', name: 'get_weather', args: {} }, thoughtSignature: 's2' },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: 'c1', name: 'get_weather', response: { name: 'get_weather', content: 'rain' } } },
            { functionResponse: { id: 'c2', name: 'get_weather', response: { name: 'get_weather', content: 'sun' } } },
          ],
        },
        { role: 'user', parts: [{ text: 'And now?' }] },
      ],
      tools: [
        {
          functionDeclarations: [
            { name: 'get_weather', description: 'Weather.', parametersJsonSchema: { type: 'object', properties: {} } },
          ],
        },
      ],
      toolConfig: { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['get_weather'] } },
    });
  });

  it('goes to the model by name with the key in its header, whole and streamed', async () => {
    await bench.sentFor(HI);
    bench.wire.answer = sendEvents(STREAMED);
    await bench.chunksOf();
    const paths = bench.wire.seen.map(({ path }) => path);
    expect(paths).toEqual([
      '/v1beta/models/gemini-3-flash-preview:generateContent',
      '/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse',
    ]);
    for (const { headers } of bench.wire.seen) {
      expect(headers).toMatchObject({ 'x-goog-api-key': 'sk-vendor-canary', 'user-agent': 'joytoken-gateway' });
      expect(headers).not.toHaveProperty('authorization');
    }
  });

  it.each([
    ['auto', 'AUTO'],
    ['none', 'NONE'],
    ['required', 'ANY'],
  ])('tool_choice %s', async (choice, mode) => {
    const sent = await bench.sentFor({ ...HI, tools: [WEATHER], tool_choice: choice });
    expect(sent['toolConfig']).toEqual({ functionCallingConfig: { mode } });
  });

  it('asks for JSON by media type, with the schema where there is one', async () => {
    const schema = { type: 'object', properties: { a: { type: 'number' } }, required: ['a'] };
    const strict = { type: 'json_schema', json_schema: { name: 'x', schema } };
    expect(await bench.sentFor({ ...HI, response_format: strict })).toMatchObject({
      generationConfig: { responseMimeType: 'application/json', responseJsonSchema: { required: ['a'] } },
    });
    expect(await bench.sentFor({ ...HI, response_format: { type: 'json_object' } })).toMatchObject({
      generationConfig: { responseMimeType: 'application/json' },
    });
  });

  it('thinks as hard as asked and shows it', async () => {
    const newer = await bench.sentFor({ ...HI, reasoning_effort: 'low' });
    expect(newer).toMatchObject({
      generationConfig: { thinkingConfig: { thinkingLevel: 'low', includeThoughts: true } },
    });
    const older = await bench.sentFor({ ...HI, reasoning_effort: 'none' }, 'gemini-2.5-flash');
    expect(older['generationConfig']).toEqual({ thinkingConfig: { thinkingBudget: 0 } });
    const own = { google: { thinking_config: { thinking_budget: 512, include_thoughts: true } } };
    const asked = await bench.sentFor({ ...HI, extra_body: own }, 'gemini-2.5-flash');
    expect(asked['generationConfig']).toEqual({ thinkingConfig: { thinkingBudget: 512, includeThoughts: true } });
  });

  it.each([
    ['n', { n: 2 }],
    ['logprobs', { logprobs: true }],
    ['tools[0].type', { tools: [{ type: 'custom', custom: { name: 'c' } }] }],
    [
      'messages[2].content[0]',
      {
        messages: [
          HI.messages[0],
          { role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] },
          {
            role: 'tool',
            tool_call_id: 'c',
            content: [{ type: 'image_url', image_url: { url: 'http://169.254.169.254/latest' } }],
          },
        ],
      },
    ],
  ])('is refused for %s before anything is sent', async (param, more) => {
    await expect(bench.sentFor({ ...HI, ...more })).rejects.toMatchObject({
      failure: 'caller_fault',
      callerFault: { param },
    });
    expect(bench.wire.seen).toHaveLength(0);
  });
});

describe('signatures of thoughts', () => {
  it('come out with the calls, whole and streamed, and go back in unchanged', async () => {
    bench.wire.answer = sendJson(WHOLE);
    const { message } = await bench.answerOf();
    bench.wire.answer = sendEvents(STREAMED);
    const streamed = messageOf(await bench.chunksOf());
    for (const answer of [message, streamed]) {
      expect(answer).toMatchObject({
        tool_calls: [{ extra_content: { google: { thought_signature: PARIS.thoughtSignature } } }, { id: 'fc-2' }],
      });
      bench.wire.answer = sendJson(textAnswer('Rain.'));
      const sent = await bench.sentFor({
        messages: [
          ...HI.messages,
          answer,
          { role: 'tool', tool_call_id: 'fc-1', content: 'rain' },
          { role: 'tool', tool_call_id: 'fc-2', content: '12:00' },
        ],
      });
      const parts = (sent['contents'] as { parts: Json[] }[])[1]?.parts ?? [];
      expect(parts.filter((part) => 'functionCall' in part)).toMatchObject([PARIS, NOW]);
    }
  });

  it('come out with an answer that calls nothing, and go back in with its text', async () => {
    const streamed = [{ text: 'Hel' }, { text: 'lo.' }, { text: '', thoughtSignature: 'sig-9' }];
    bench.wire.answer = sendEvents(streamed.map((part, at) => chunkOf(part, at === 2)));
    const fromStream = messageOf(await bench.chunksOf());
    bench.wire.answer = sendJson({
      ...textAnswer(''),
      candidates: [{ content: { parts: [{ text: 'Hello.', thoughtSignature: 'sig-9' }] }, finishReason: 'STOP' }],
    });
    const { message } = await bench.answerOf();
    for (const answer of [message, fromStream]) {
      expect(answer).toMatchObject({ content: 'Hello.', extra_content: { google: { thought_signature: 'sig-9' } } });
      const sent = await bench.sentFor({ messages: [...HI.messages, answer, ...HI.messages] });
      expect((sent['contents'] as Json[])[1]).toEqual({
        role: 'model',
        parts: [{ text: 'Hello.', thoughtSignature: 'sig-9' }],
      });
    }
  });
});

function chunkOf(part: Json, isLast: boolean): Json {
  return { candidates: [{ content: { parts: [part], role: 'model' }, ...(isLast ? { finishReason: 'STOP' } : {}) }] };
}
