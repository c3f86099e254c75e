import type { Scene, Stage } from './stage.js';

const BODY_BYTES = 8 * 1024 * 1024 - 1_024;
/** Bodies of one caller at once. */
const AT_ONCE = 3;

/** The rest of a body behind its model: what the hostile caller sends there. */
type Rest = () => string;

const HI = '"messages":[{"role":"user","content":"hi"}]';
const filled = (unit: string, bytes = BODY_BYTES, between = ','): string =>
  Array<string>(Math.floor(bytes / (unit.length + between.length)))
    .fill(unit)
    .join(between);
const named = (count: number, write: (at: number) => string): string =>
  Array.from({ length: count }, (_, at) => write(at)).join(',');
const text = (content: string): string => `"messages":[{"role":"user","content":${JSON.stringify(content)}}]`;
const tool = (at: number, properties: string): string =>
  `{"type":"function","function":{"name":"f${at.toString()}","parameters":{"type":"object","properties":{${properties}}}}}`;

const REFUSED: Readonly<Record<string, Rest>> = {
  'a number of 200,000 digits': () => `${HI},"x":0.1${'0'.repeat(200_000)}1`,
  'a number of 8 MiB': () => `${HI},"x":0.1${'0'.repeat(BODY_BYTES - 200)}1`,
  'four million numbers': () => `${HI},"x":[${filled('1')}]`,
  'empty objects': () => `${HI},"x":[${filled('{}')}]`,
  'different names': () => `${HI},"x":{${named(500_000, (at) => `"k${at.toString()}":0`)}}`,
  'names beside each other': () => `${HI},"x":[${named(400_000, (at) => `{"k${at.toString()}":0}`)}]`,
  depth: () => `${HI},"x":${'['.repeat(BODY_BYTES / 2 - 100)}${']'.repeat(BODY_BYTES / 2 - 100)}`,
  'messages that are numbers': () => `"messages":[${filled('1', 900_000)}]`,
  'parts that are numbers': () => `"messages":[{"role":"user","content":[${filled('1', 900_000)}]}]`,
  'tools that are numbers': () => `${HI},"tools":[${filled('1', 900_000)}]`,
};

const WITHIN_BOUNDS: Readonly<Record<string, Rest>> = {
  escapes: () => `"messages":[{"role":"user","content":"${'\\u00e9'.repeat(BODY_BYTES / 6 - 100)}"}]`,
  'escaped quotes': () => `"messages":[{"role":"user","content":"${'\\"'.repeat(BODY_BYTES / 2 - 100)}"}]`,
  'one long text': () => text('a'.repeat(BODY_BYTES - 200)),
  Chinese: () => text('你'.repeat(BODY_BYTES / 3 - 100)),
  'exact numbers': () => `${HI},"x":[${filled('12345678901234567891')}]`,
  'names at their bound': () =>
    `${HI},"x":[${named(13_000, (at) => `{${named(10, (key) => `"k${((at * 7919 + key * 104_729) % 16_000).toString()}":0`)}}`)}]`,
  'messages at their bound': () => `"messages":[${filled('{"role":"user"}', 2_000_000)}]`,
  'parts at their bound': () =>
    `"messages":[{"role":"user","content":[${filled('{"type":"text","text":"a"}', 1_700_000)}]}]`,
  'tools at their bound': () => `${HI},"tools":[${filled('{"type":"function"}', 2_000_000)}]`,
  'schemas at their bound': () =>
    `${HI},"tools":[${named(600, (at) =>
      tool(
        at,
        named(70, (key) => `"p${key.toString()}":{"type":"string","description":"what it is"}`),
      ),
    )}]`,
  patterns: () => text(`${'((((a+)+)+)+'.repeat(5_000)}${' '.repeat(50_000)}${'<system-reminder>'.repeat(5_000)}`),
};

/** What large agents send: hundreds of tools, thousands of messages, two MiB of text. */
const agentBody: Rest = () => {
  const messages = named(3_000, (at) =>
    JSON.stringify({
      role: at % 2 === 0 ? 'user' : 'assistant',
      content: `step ${at.toString()} ${'of a long task '.repeat(30)}`,
    }),
  );
  return `"messages":[${messages}],"tools":[${named(400, (at) =>
    tool(
      at,
      named(
        12,
        (key) => `"p${key.toString()}":{"type":"string","description":"${'what this field is for, '.repeat(4)}"}`,
      ),
    ),
  )}]`;
};

function sceneOf(name: string, rest: Rest, expected: RegExp, options: { adapter?: string } = {}): Scene {
  return {
    name,
    prepare: async (stage: Stage) => {
      const provider =
        options.adapter === undefined ? {} : { adapter: options.adapter, base_url: stage.world.upstream.url };
      const model = await (options.adapter === undefined ? stage.rawModel(null) : modelOf(stage, provider));
      const body = `{${rest()},"model":"${model}"}`;
      return async () => {
        const came = await Promise.all(Array.from({ length: AT_ONCE }, () => stage.send(body)));
        const wrong = came.find((one) => !expected.test(one));
        if (wrong !== undefined) throw new Error(`${name}: ${wrong}`);
        return [...new Set(came)].join(', ');
      };
    },
  };
}

async function modelOf(stage: Stage, provider: Record<string, unknown>): Promise<string> {
  return (await stage.world.model({ behaviours: ['ok-n3'], provider })).key;
}

/** Hostile bodies, and an honest one of the same kind. */
export const BODY_SCENES: readonly Scene[] = [
  sceneOf('an honest agent', agentBody, /^200$/),
  ...Object.entries(REFUSED).map(([name, rest]) => sceneOf(name, rest, /^400 (body_too_complex|invalid_value)$/)),
  ...Object.entries(WITHIN_BOUNDS).map(([name, rest]) => sceneOf(name, rest, /^200$/)),
  sceneOf('an honest agent (anthropic)', agentBody, /^200$/, { adapter: 'anthropic' }),
  sceneOf('schemas at their bound (anthropic)', WITHIN_BOUNDS['schemas at their bound'] as Rest, /^\d{3}/, {
    adapter: 'anthropic',
  }),
  sceneOf('messages at their bound (anthropic)', WITHIN_BOUNDS['messages at their bound'] as Rest, /^\d{3}/, {
    adapter: 'anthropic',
  }),
];
