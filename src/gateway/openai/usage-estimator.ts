import { Injectable } from '@nestjs/common';
import { countPromptTokens, TokenCounter, type TokenUsage } from '../../provider/index.js';
import type { ChatRequest } from './chat-request.schema.js';

/** Counts tokens with a tokenizer when the provider reported none. */
@Injectable()
export class UsageEstimator {
  constructor(private readonly tokens: TokenCounter) {}

  /** @param delivered output text that reached the caller. */
  estimate(body: ChatRequest, delivered: string): TokenUsage {
    return {
      inputTokens: countPromptTokens(body, (text) => this.tokens.count(text)),
      outputTokens: this.tokens.count(delivered),
      cachedInputTokens: 0,
      cachedOutputTokens: 0,
    };
  }
}
