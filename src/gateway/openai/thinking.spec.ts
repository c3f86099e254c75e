import { asksToThink } from './thinking.js';

const asks = (fields: Record<string, unknown>): boolean =>
  asksToThink({ messages: [{ role: 'user', content: 'hi' }], ...fields });

describe('a request that asks to think', () => {
  it.each([
    { reasoning_effort: 'low' },
    { reasoning: { effort: 'high' } },
    { reasoning: { max_tokens: 2_000 } },
    { reasoning: { enabled: true } },
    { thinking: { type: 'enabled', budget_tokens: 2_000 } },
    { thinking: { type: 'adaptive' } },
    { enable_thinking: true },
    { thinking_budget: 500 },
    { chat_template_kwargs: { enable_thinking: true } },
  ])('is %j', (fields) => {
    expect(asks(fields)).toBe(true);
  });

  it.each([
    {},
    { reasoning_effort: 'none' },
    { reasoning_effort: 'minimal' },
    { reasoning_effort: null },
    { reasoning: { enabled: false, effort: 'high' } },
    { reasoning: { effort: 'none' } },
    { reasoning: {} },
    { thinking: { type: 'disabled' } },
    { enable_thinking: false },
    { chat_template_kwargs: { enable_thinking: false } },
  ])('is not %j', (fields) => {
    expect(asks(fields)).toBe(false);
  });
});
