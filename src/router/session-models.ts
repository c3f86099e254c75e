import { hash } from 'node:crypto';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { ChangeFeed, type ChangeHandler } from '../platform/changes/index.js';
import { Clock } from '../platform/clock/index.js';
import { newId } from '../platform/ids/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import {
  RoutingSessionRepository,
  type SessionModel,
  type SharedSession,
} from './persistence/routing-session.repository.js';

const SESSIONS_MAX = 50_000;
/** Prompt caches at providers live for some minutes; after that there is nothing to stay for. */
const SESSION_TTL_MS = 1_800_000;
/** A session that goes on is told again before the others forget it. */
const TELL_AGAIN_MS = SESSION_TTL_MS / 2;
const WRITE_AFTER_MS = 250;
/** Sessions that wait to be told; one statement carries them all. More are not told: the others then choose by themselves. */
const WAITING_MAX = 1_000;
const CLEAN_EVERY_MS = 60_000;

interface Kept {
  modelId: string;
  /** When the others were told, or told us; 0 when they were not. */
  toldAtMs: number;
}

/**
 * Which model each session has, in this process and, a moment later, in every other one: written behind the requests in batches,
 * read through the change feed. A request never waits for it. When the database is away each process remembers its own.
 */
@Injectable()
export class SessionModels implements ChangeHandler, OnApplicationShutdown {
  private readonly processId = newId();
  private readonly kept = new LRUCache<string, Kept>({ max: SESSIONS_MAX, ttl: SESSION_TTL_MS });
  private readonly waiting = new Map<string, SessionModel>();
  private timer: NodeJS.Timeout | null = null;
  private writing: Promise<void> = Promise.resolve();
  private seenVersion = '0';
  private cleanedAtMs: number;

  constructor(
    feed: ChangeFeed,
    private readonly rows: RoutingSessionRepository,
    private readonly clock: Clock,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.cleanedAtMs = clock.nowMs();
    feed.register('routing_session', this);
  }

  /** The name of a session here and in the table; what the caller wrote cannot be read from it. */
  nameOf(requestedModel: string, sessionKey: string): string {
    return hash('sha256', `${requestedModel} ${sessionKey}`, 'base64url');
  }

  /** Id of the session's model so far; `null` when nobody is known to have served it lately. */
  of(session: string): string | null {
    return this.kept.get(session)?.modelId ?? null;
  }

  /**
   * Remembers the model of a session; returns at once.
   * @param tell whether the other processes could not find it out by themselves.
   */
  keep(session: string, modelId: string, tell: boolean): void {
    const known = this.kept.get(session);
    const nowMs = this.clock.nowMs();
    const isTold = known !== undefined && known.modelId === modelId && nowMs - known.toldAtMs < TELL_AGAIN_MS;
    const tells = tell && !isTold && (this.waiting.has(session) || this.waiting.size < WAITING_MAX);
    if (tells) this.waiting.set(session, { session, modelId });
    this.kept.set(session, { modelId, toldAtMs: tells ? nowMs : isTold ? known.toldAtMs : 0 });
    if (tells) this.timer ??= setTimeout(() => void this.flush(), WRITE_AFTER_MS).unref();
  }

  async reloadAll(): Promise<void> {
    this.seenVersion = '0';
    await this.reload();
  }

  async reload(): Promise<void> {
    this.learn(await this.rows.since(this.seenVersion, this.processId, SESSION_TTL_MS, SESSIONS_MAX));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush();
  }

  /** Newest first. The last word counts, but for what this process is about to say. */
  private learn(shared: readonly SharedSession[]): void {
    const nowMs = this.clock.nowMs();
    for (const { session, modelId } of shared.toReversed()) {
      if (!this.waiting.has(session)) this.kept.set(session, { modelId, toldAtMs: nowMs });
    }
    this.seenVersion = shared[0]?.version ?? this.seenVersion;
  }

  private flush(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.writing = this.writing.then(() => this.write());
    return this.writing;
  }

  private async write(): Promise<void> {
    const taken = [...this.waiting.values()];
    if (taken.length === 0) return;
    this.waiting.clear();
    try {
      await this.rows.share(this.processId, taken);
      if (this.clock.nowMs() - this.cleanedAtMs > CLEAN_EVERY_MS) {
        this.cleanedAtMs = this.clock.nowMs();
        await this.rows.clean(SESSION_TTL_MS, SESSIONS_MAX);
      }
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'the models of sessions could not be shared');
      // Each is told again with its next request.
      for (const { session } of taken) {
        const known = this.kept.get(session);
        if (known !== undefined) known.toldAtMs = 0;
      }
    }
  }
}
