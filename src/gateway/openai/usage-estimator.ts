import { Injectable } from '@nestjs/common';
import { countPromptTokens, TokenCounter, type DeliveredOutput, type TokenUsage } from '../../provider/index.js';
import type { ChatRequest } from './chat-request.schema.js';

/** Counts tokens with a tokenizer when the provider reported none. */
@Injectable()
export class UsageEstimator {
  constructor(private readonly tokens: TokenCounter) {}

  /** @param delivered output that reached the caller. */
  estimate(body: ChatRequest, delivered: DeliveredOutput): TokenUsage {
    return {
      inputTokens: this.inputTokens(body),
      outputTokens: this.outputTokens(delivered),
      cachedInputTokens: 0,
      cachedOutputTokens: 0,
    };
  }

  inputTokens(body: ChatRequest): number {
    // The texts are counted together: a prompt of thousands of messages takes no longer than one long text.
    const texts: string[] = [];
    const marks = countPromptTokens(body, (text) => {
      texts.push(text);
      return 0;
    });
    return marks + this.tokens.countAll(texts);
  }

  outputTokens({ text, dataTokens }: DeliveredOutput): number {
    return this.tokens.count(text) + Math.ceil(dataTokens);
  }
}
