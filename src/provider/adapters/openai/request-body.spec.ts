import { upstreamBody } from './request-body.js';

const messages = [{ role: 'user', content: 'Hi' }];
const tools = [{ type: 'function', function: { name: 'f', parameters: null } }];

describe('the body that an upstream gets', () => {
  it.each([
    ['null fields', { temperature: null, tools: null, made_up: null, stream: null }, {}],
    ['an empty list of tools, and what needs them', { tools: [], tool_choice: 'auto', parallel_tool_calls: true }, {}],
    ['no tools', { tools: null, tool_choice: 'none', parallel_tool_calls: false }, {}],
    ['an empty list of functions', { functions: [], function_call: 'auto' }, {}],
  ])('leaves out %s', (_what, fields, expected) => {
    expect(upstreamBody({ messages, ...fields }, 'm', false)).toEqual({ model: 'm', messages, ...expected });
  });

  it.each([
    ['tools and how they are chosen', { tools, tool_choice: 'auto', parallel_tool_calls: false }],
    ['false, zero, empty texts, objects and other lists', { store: false, seed: 0, user: '', metadata: {}, stop: [] }],
    ['null inside of fields', { made_up: { deep: [1, null] } }],
  ])('keeps %s', (_what, fields) => {
    const body = { messages, ...fields };
    expect(upstreamBody(body, 'm', false)).toEqual({ model: 'm', ...body });
  });

  it.each([null, []])(
    'leaves out the tool calls of a message when they are %j, and keeps its other fields',
    (calls) => {
      const said = { role: 'assistant', content: null, refusal: null };
      const body = { messages: [...messages, { ...said, tool_calls: calls }] };
      expect(upstreamBody(body, 'm', false)['messages']).toEqual([...messages, said]);
      expect(body.messages).toHaveLength(2);
      expect(body.messages[1]).toHaveProperty('tool_calls');
    },
  );

  it('keeps the messages of the caller as they are when nothing is left out', () => {
    expect(upstreamBody({ messages }, 'm', true)['messages']).toBe(messages);
  });
});
