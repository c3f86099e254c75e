import fc from 'fast-check';
import { messageSchema, toolSchema } from './chat-request.schema.js';
import { isMessage, isTool } from './list-items.js';
import { parseChatRequest } from './chat-request.js';

const part = fc.oneof(fc.record({ type: fc.oneof(fc.string(), fc.integer()) }), fc.jsonValue({ maxDepth: 1 }));
const item = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.record(
    {
      role: fc.oneof(fc.constantFrom('user', '', null, 1), fc.string()),
      content: fc.oneof(fc.string(), fc.array(part), fc.constantFrom(null, undefined, 1, {})),
      type: fc.oneof(fc.string(), fc.constantFrom(null, 1)),
    },
    { requiredKeys: [] },
  ),
);

describe('items of lists', () => {
  it('are valid where the schema says so', () => {
    fc.assert(
      fc.property(item, (value) => {
        expect(isMessage(value)).toBe(messageSchema.safeParse(value).success);
        expect(isTool(value)).toBe(toolSchema.safeParse(value).success);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['messages[1]', { messages: [{ role: 'user' }, ...Array<number>(400_000).fill(1)] }],
    [
      'messages[0].content[1].type',
      { messages: [{ role: 'user', content: [{ type: 'text' }, ...Array<object>(400_000).fill({ type: 1 })] }] },
    ],
    ['tools[0].type', { messages: [{ role: 'user' }], tools: Array(400_000).fill({}) }],
  ])('are looked at up to the first faulty one (%s)', (param, body) => {
    // CPU time: the machine may be busy.
    const before = process.cpuUsage();
    expect(() => parseChatRequest(body)).toThrow(expect.objectContaining({ code: 'invalid_value', param }) as Error);
    expect(process.cpuUsage(before).user).toBeLessThan(1_000_000);
  });
});
