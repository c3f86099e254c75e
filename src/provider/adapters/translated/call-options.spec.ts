import { anthropicVendor } from '../anthropic/anthropic-vendor.js';
import { callOptionsOf } from './call-options.js';
import { ToolNames } from './tool-names.js';

const tool = (description: string) => ({
  type: 'function',
  function: { name: 'f', description, parameters: { type: 'object' } },
});
const optionsOf = (tools: readonly object[]) =>
  callOptionsOf(
    { messages: [{ role: 'user', content: 'Hi' }], tools },
    anthropicVendor,
    'claude-sonnet-4-5',
    new ToolNames(anthropicVendor.toolName),
  );

describe('tools of one name', () => {
  it('are offered once when they are the same, and under another name when they differ', async () => {
    const { tools } = await optionsOf([tool('a'), tool('b'), tool('a')]);
    expect(new Set(tools?.map(({ name }) => name)).size).toBe(2);
    expect(tools).toHaveLength(2);
  });

  it('are refused when there are too many, because each is compared with every other', async () => {
    const tools = Array.from({ length: 17 }, (_, at) => tool(String(at)));
    await expect(optionsOf(tools)).rejects.toMatchObject({
      failure: 'caller_fault',
      callerFault: { param: 'tools[16].function.name' },
    });
  });
});
