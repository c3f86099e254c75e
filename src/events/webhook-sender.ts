import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { CONFIG, type Config } from '../platform/config/index.js';
import { GuardedPoster, PostFailure } from '../platform/net/index.js';
import { signatureHeaders } from './domain/signature.js';
import type { SealedSecret } from './domain/webhook.js';
import type { AttemptResult } from './persistence/delivery.repository.js';
import { WebhookSecrets } from './webhook-secrets.js';

/** A receiver that has not answered by then has failed. */
export const ATTEMPT_TIMEOUT_MS = 10_000;

export interface Message {
  url: string;
  /** The same for every attempt. */
  id: string;
  body: string;
  /** Newest first. */
  secrets: readonly SealedSecret[];
}

/** Sends one signed message, once. */
@Injectable()
export class WebhookSender implements OnApplicationShutdown {
  private readonly poster: GuardedPoster;

  constructor(
    @Inject(CONFIG) config: Pick<Config, 'ALLOW_PRIVATE_UPSTREAMS'>,
    private readonly secrets: WebhookSecrets,
    private readonly clock: Clock,
  ) {
    this.poster = new GuardedPoster({ allowPrivate: config.ALLOW_PRIVATE_UPSTREAMS });
  }

  /** Never throws: what went wrong is in the result. Without a secret nothing is sent. */
  async send({ url, id, body, secrets }: Message, signal?: AbortSignal): Promise<AttemptResult> {
    const opened = this.secrets.open(secrets);
    if (opened.length === 0) return { status: null, error: 'secret_unreadable', latencyMs: 0 };
    const signed = signatureHeaders(opened, { id, timestampS: Math.floor(this.clock.nowMs() / 1000), body });
    const headers = { 'content-type': 'application/json', 'user-agent': 'joytoken-gateway', ...signed };
    const startedMs = performance.now();
    const latency = (): number => Math.round(performance.now() - startedMs);
    const post = { url, headers, body, timeoutMs: ATTEMPT_TIMEOUT_MS };
    try {
      const status = await this.poster.post(signal === undefined ? post : { ...post, signal });
      const isTaken = status >= 200 && status < 300;
      return { status, error: isTaken ? null : `http_${status}`, latencyMs: latency() };
    } catch (error) {
      const fault = error instanceof PostFailure ? error.fault : 'connection_lost';
      return { status: null, error: fault, latencyMs: latency() };
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.poster.close();
  }
}
