import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock/index.js';
import type { JsonRecord } from '../../domain/json.js';
import { TokenCounter } from '../../tokens/token-counter.js';
import type { AdapterCall, ChunkSource, Payload, ProbeResult, ProviderAdapter } from '../adapter.js';
import { answersOf, type SandboxAnswer } from './sandbox-answer.js';
import { chunksOf, completionOf, headOf, type AnswerHead } from './sandbox-completion.js';
import { readPrompt, type SandboxPrompt } from './sandbox-prompt.js';

const CHOICES_MAX = 16;

/**
 * A provider inside the process, for the first steps without a vendor: it answers by rule, says so, and behaves like
 * OpenAI in everything else. No network, no cost, the same answer for the same request.
 */
@Injectable()
export class SandboxAdapter implements ProviderAdapter {
  readonly name = 'sandbox';
  readonly usesNetwork = false;

  constructor(
    private readonly counter: TokenCounter,
    private readonly clock: Clock,
  ) {}

  async complete(call: AdapterCall): Promise<JsonRecord> {
    const { head, prompt, answers } = this.answer(call);
    await pause(prompt.delayMs, call);
    return completionOf(head, answers, prompt.tokens);
  }

  async stream(call: AdapterCall): Promise<ChunkSource> {
    const { head, prompt, answers } = this.answer(call);
    return new SandboxChunkSource(chunksOf(head, answers, prompt.tokens), prompt.delayMs, call);
  }

  probe(): Promise<ProbeResult> {
    return Promise.resolve({ status: null, models: null });
  }

  private answer({ body, endpoint }: AdapterCall): {
    head: AnswerHead;
    prompt: SandboxPrompt;
    answers: readonly SandboxAnswer[];
  } {
    const choices = typeof body['n'] === 'number' ? Math.min(CHOICES_MAX, Math.max(1, body['n'])) : 1;
    const prompt = readPrompt(body, this.counter, choices);
    const answers = answersOf(body, prompt, choices, this.counter);
    return { head: headOf(body, endpoint.upstreamModel, this.clock.nowMs()), prompt, answers };
  }
}

/** Writes one piece a pull, with a pause before it: a slow reader slows the sandbox down. */
class SandboxChunkSource implements ChunkSource {
  hasEndMarker = false;

  constructor(
    private readonly chunks: Iterator<string, void>,
    private readonly delayMs: number,
    private readonly call: AdapterCall,
  ) {}

  async read(): Promise<readonly Payload[] | null> {
    if (this.hasEndMarker) return null;
    await pause(this.delayMs, this.call);
    const next = this.chunks.next();
    if (next.done !== true) return [{ data: next.value, event: 'message' }];
    this.hasEndMarker = true;
    return null;
  }

  cancel(): void {
    this.hasEndMarker = true;
  }
}

/** @throws the reason of the watch when it ends the attempt meanwhile. */
async function pause(delayMs: number, { watch }: AdapterCall): Promise<void> {
  const stop = new AbortController();
  watch.onCancel(() => stop.abort());
  if (delayMs > 0 && !stop.signal.aborted)
    await sleep(delayMs, undefined, { signal: stop.signal }).catch(() => undefined);
  if (watch.reason !== null) throw watch.reason;
}
