import type { Scene, Stage } from './stage.js';

const AT_ONCE = 3;
const MIB = 1024 * 1024;

const event = (data: string): string => `data: ${data}\n\n`;
const chunk = (delta: string, more = ''): string => `{"id":"c","choices":[{"index":0,"delta":{${delta}}}]${more}}`;
const END = `${event('{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')}data: [DONE]\n\n`;
const listOf = (count: number, write: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => write(at)).join(',');
const answer = (more: string): string =>
  `{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":"yes"},"finish_reason":"stop"${more}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`;
const logprobs = (tokens: number): string =>
  answer(
    `,"logprobs":{"content":[${listOf(tokens, () => `{"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[${listOf(20, (at) => `{"token":"t${at.toString()}","logprob":-1.5,"bytes":[1,2]}`)}]}`)}]}`,
  );

interface AnswerScene {
  stream: boolean;
  body: () => string;
  expected: RegExp;
}

const STREAMS: Readonly<Record<string, () => string>> = {
  'nested usage': () =>
    event(chunk('"content":"a"', `,"x":${'{"usage":null,"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`)),
  'many usages': () => event(chunk('"content":"a"', `,"x":[${listOf(10_000, () => '{"usage":null}')}]`)),
  'a chunk of many values': () => event(chunk('"content":"a"', `,"x":[${'1,'.repeat(3_000_000)}1]`)),
  'a chunk of eight MiB': () =>
    event(chunk(`"images":[{"image_url":{"url":"data:image/png;base64,${'a'.repeat(7 * MIB)}"}}]`)),
  'many tool calls': () =>
    event(chunk(`"tool_calls":[${listOf(8_000, (at) => `{"index":${at.toString()},"id":"c${at.toString()}"}`)}]`)),
  'many choices': () =>
    event(`{"choices":[${listOf(5_000, (at) => `{"index":${at.toString()},"delta":{"content":"a"}}`)}]}`),
  'many data lines': () => `${'data:\n'.repeat(1_000_000)}\n`,
  'many empty events': () => event('{}').repeat(300_000),
  'many small events': () => event(chunk('"content":"a"', ',"usage":null')).repeat(60_000),
};

const SCENES: Readonly<Record<string, AnswerScene>> = {
  'an honest answer with log probabilities': { stream: false, body: () => logprobs(3_000), expected: /^200$/ },
  'an answer of 5,000 levels': {
    stream: false,
    body: () => answer(`,"x":${'['.repeat(5_000)}${']'.repeat(5_000)}`),
    expected: /^502/,
  },
  'an answer of many numbers': {
    stream: false,
    body: () => answer(`,"x":[${'1,'.repeat(3_900_000)}1]`),
    expected: /^502/,
  },
  'an answer of many names': {
    stream: false,
    body: () => answer(`,"x":[${listOf(400_000, (at) => `{"k${at.toString()}":0}`)}]`),
    expected: /^502/,
  },
  'an error that is hard to clean': {
    stream: false,
    body: () => `{"error":{"message":"${'a-'.repeat(100_000)}","code":"context_length_exceeded"}}`,
    expected: /^(400|502)/,
  },
  ...Object.fromEntries(
    Object.entries(STREAMS).map(([name, events]) => [
      name,
      { stream: true, body: () => event(chunk('"content":"a"')) + events() + END, expected: /^(200|50[024])/ },
    ]),
  ),
};

function sceneOf(name: string, { stream, body, expected }: AnswerScene): Scene {
  return {
    name,
    prepare: async (stage: Stage) => {
      const contentType = stream ? 'text/event-stream' : 'application/json';
      const model = await stage.rawModel({ contentType, body: Buffer.from(body()) });
      const request = JSON.stringify({ model, stream, messages: [{ role: 'user', content: 'hi' }] });
      return async () => {
        const came = await Promise.all(Array.from({ length: AT_ONCE }, () => stage.send(request)));
        const wrong = came.find((one) => !expected.test(one));
        if (wrong !== undefined) throw new Error(`${name}: ${wrong}`);
        return [...new Set(came)].join(', ');
      };
    },
  };
}

/** Hostile answers, and an honest large one. */
export const ANSWER_SCENES: readonly Scene[] = Object.entries(SCENES).map(([name, scene]) => sceneOf(name, scene));
