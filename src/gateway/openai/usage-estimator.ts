import { Injectable } from '@nestjs/common';
import { TokenCounter, type TokenUsage } from '../../provider/index.js';
import type { ChatRequest } from './chat-request.schema.js';

/** What OpenAI's chat format adds to every message and to the whole prompt. */
const TOKENS_PER_MESSAGE = 3;
const TOKENS_PER_PROMPT = 3;
/** A picture whose size is unknown, as the freeze estimates it. */
const TOKENS_PER_IMAGE = 1000;

/** Counts tokens with a tokenizer when the provider reported none. */
@Injectable()
export class UsageEstimator {
  constructor(private readonly tokens: TokenCounter) {}

  /** @param delivered output text that reached the caller. */
  estimate(body: ChatRequest, delivered: string): TokenUsage {
    return {
      inputTokens: this.promptTokens(body),
      outputTokens: this.tokens.count(delivered),
      cachedInputTokens: 0,
      cachedOutputTokens: 0,
    };
  }

  private promptTokens(body: ChatRequest): number {
    const texts: string[] = [];
    let images = 0;
    for (const message of body.messages) {
      const { content, ...rest } = message;
      if (Object.keys(rest).length > 1) texts.push(JSON.stringify(rest));
      if (typeof content === 'string') texts.push(content);
      for (const part of Array.isArray(content) ? content : []) {
        if (typeof part.text === 'string') texts.push(part.text);
        else images += 1;
      }
    }
    if (body.tools !== undefined && body.tools !== null) texts.push(JSON.stringify(body.tools));
    const framing = TOKENS_PER_PROMPT + body.messages.length * TOKENS_PER_MESSAGE;
    return framing + images * TOKENS_PER_IMAGE + this.tokens.countAll(texts);
  }
}
