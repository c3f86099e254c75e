import { countPromptTokens, TokenCounter } from '../../provider/index.js';
import { parseChatRequest } from './chat-request.js';
import { UsageEstimator } from './usage-estimator.js';

const tokens = new TokenCounter();
const estimator = new UsageEstimator(tokens);

describe('estimated usage', () => {
  it('counts the prompt as models see it, and what was delivered', () => {
    const body = parseChatRequest({
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url' }] },
      ],
      tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: {} } } }],
    });
    expect(estimator.estimate(body, { text: 'Nothing at all.', dataTokens: 0 })).toEqual({
      inputTokens: countPromptTokens(body, (text) => tokens.count(text)),
      outputTokens: tokens.count('Nothing at all.'),
      cachedInputTokens: 0,
      cachedOutputTokens: 0,
    });
  });

  it('counts a prompt of thousands of messages as one text, in bounded time', () => {
    const messages = Array.from({ length: 4_000 }, () => ({
      role: 'user',
      content: 'The quick brown fox. '.repeat(50),
    }));
    const body = parseChatRequest({ messages });
    let counted = 0;
    class WatchedCounter extends TokenCounter {
      override count(text: string): number {
        counted += 1;
        return super.count(text);
      }
    }
    const exact = countPromptTokens(body, (text) => tokens.count(text));
    expect(
      new UsageEstimator(new WatchedCounter()).estimate(body, { text: 'x', dataTokens: 0 }).inputTokens / exact,
    ).toBeCloseTo(1, 1);
    expect(counted).toBe(2);
  });
});
