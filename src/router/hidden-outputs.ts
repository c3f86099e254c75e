import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { hiddenOutputOf } from './domain/hidden-output.js';
import type { Model } from './domain/model.js';
import { ModelRepository } from './persistence/model.repository.js';

/** Less than this is within what the first step of a stream covers anyway. */
const LEAST_TOKENS = 16;
const FLUSH_AFTER_MS = 500;
const MODELS_MAX = 10_000;

/**
 * How much each model writes without showing it. This process knows what it has seen at once; others hear of it by the change
 * feed. Written only when it is more than ever before, so rarely; a request never waits for it.
 */
@Injectable()
export class HiddenOutputs implements OnApplicationShutdown {
  private readonly seen = new LRUCache<string, number>({ max: MODELS_MAX });
  private waiting = new Map<string, number>();
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly models: ModelRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Most output tokens of one choice that may come unseen; see `hiddenOutputOf`. */
  maxOf(model: Model, asksToThink: boolean): number {
    return hiddenOutputOf(model, this.seenOf(model), asksToThink);
  }

  /** One choice of an answer has hidden so many tokens. */
  note(model: Model, tokens: number): void {
    if (model.hiddenOutputMax !== null || tokens < LEAST_TOKENS || tokens <= this.seenOf(model)) return;
    this.seen.set(model.id, tokens);
    this.waiting.set(model.id, tokens);
    this.timer ??= setTimeout(() => void this.write(), FLUSH_AFTER_MS).unref();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.write();
  }

  private seenOf({ id, hiddenOutputSeen }: Model): number {
    return Math.max(hiddenOutputSeen, this.seen.get(id) ?? 0);
  }

  private async write(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const taken = this.waiting;
    if (taken.size === 0) return;
    this.waiting = new Map();
    try {
      await this.models.noteHiddenOutputs(taken);
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'hidden output of models could not be written yet');
      for (const [id, tokens] of taken) this.waiting.set(id, Math.max(tokens, this.waiting.get(id) ?? 0));
      this.timer ??= setTimeout(() => void this.write(), FLUSH_AFTER_MS).unref();
    }
  }
}
