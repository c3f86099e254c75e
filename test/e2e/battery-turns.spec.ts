import { ADAPTERS } from '../support/battery/adapters.js';
import { Battery } from '../support/battery/battery.js';
import { CALLS, TOOLS } from '../support/battery/conversation.js';
import { textOf } from '../support/upstream/answer.js';

/** What a vendor gave with a turn and wants back with the next one: signatures of thoughts, opaque fields, ids of calls. */
let battery: Battery;
beforeAll(async () => {
  battery = await Battery.start();
});
afterAll(() => battery.stop());

const USER = { role: 'user', content: 'What is the weather in Zürich, and what time is it?' };

describe.each(ADAPTERS)('the $name adapter', (adapter) => {
  it.each([false, true])('lets a turn come back as it was handed out (stream: %s)', async (stream) => {
    const { key: model } = await battery.model(adapter, { name: 'turns', behaviours: ['signed-n20-p10'] });
    const first = await battery.ask(model, { stream, tools: TOOLS, messages: [USER], reasoning_effort: 'low' });
    expect(first.calls.map(({ name }) => name)).toEqual(CALLS.map(({ name }) => name));
    const results = first.calls.map(({ id, name }) => ({ role: 'tool', tool_call_id: id, content: `of ${name}` }));
    const messages = [USER, first.message, ...results];
    const second = await battery.ask(model, { stream, tools: TOOLS, messages, reasoning_effort: 'low' });
    expect({ status: second.status, error: second.error }).toEqual({ status: 200, error: null });
    expect(second.message['content']).toBe(textOf(20));
    const third = await battery.ask(model, { stream, tools: TOOLS, messages: [...messages, second.message, USER] });
    expect({ status: third.status, error: third.error }).toEqual({ status: 200, error: null });
  });

  it('says what is wrong when the caller lost it, if the vendor does', async () => {
    const { key: model } = await battery.model(adapter, { name: 'turns', behaviours: ['signed-n20-p10'] });
    const { calls } = await battery.ask(model, { tools: TOOLS, messages: [USER] });
    const bare = calls.map(({ id, name, arguments: text }) => ({
      id,
      type: 'function',
      function: { name, arguments: text },
    }));
    const results = calls.map(({ id }) => ({ role: 'tool', tool_call_id: id, content: 'ok' }));
    const messages = [USER, { role: 'assistant', content: null, tool_calls: bare }, ...results];
    const answer = await battery.ask(model, { tools: TOOLS, messages });
    // Some adapters know a way without: then it is an answer.
    expect([200, 400]).toContain(answer.status);
    expect(answer.error?.type ?? 'invalid_request_error').toBe('invalid_request_error');
  });
});
