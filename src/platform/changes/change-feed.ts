import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { HotConnectionFactory, type HotConnection } from '../database/index.js';
import { LOGGER, type Logger } from '../logging/index.js';

/** What the migrations' triggers, and `share_routing_sessions`, write; `model` covers prices and endpoints, `account` its members. */
export type ChangeEntity =
  | 'account'
  | 'policy'
  | 'api_key'
  | 'admin_token'
  | 'provider'
  | 'model'
  | 'tier_rate'
  | 'endpoint_outage'
  | 'routing_session';

/** A snapshot that can be read again from the database, whole or by ids. */
export interface ChangeHandler {
  reloadAll(): Promise<void>;
  /** Ids that no longer exist are to be forgotten. */
  reload(ids: readonly string[]): Promise<void>;
}

interface ChangeRow {
  version: bigint;
  entity: ChangeEntity;
  entity_id: string;
}

const POLL_INTERVAL_MS = 400;
const ROWS_MAX = 5_000;

const CURRENT_VERSION = 'select version from config_version';
const CHANGES_SINCE = `select version, entity, entity_id from config_change where version > $1 order by version limit ${ROWS_MAX}`;

/**
 * Keeps the snapshots of this process fresh. Every administrative write takes the next number under one row lock, so
 * having seen number n means having seen all below it. A notice wakes the feed at once; the poll covers lost notices.
 */
@Injectable()
export class ChangeFeed implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly handlers = new Map<ChangeEntity, ChangeHandler[]>();
  private readonly connection: HotConnection;
  private seenVersion: bigint | null = null;
  private running: Promise<void> = Promise.resolve();
  private timer: NodeJS.Timeout | null = null;
  private lastSuccessMs = 0;

  constructor(
    connections: HotConnectionFactory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.connection = connections.create('changes');
  }

  /** Adds a snapshot; call before the application has started. */
  register(entity: ChangeEntity, handler: ChangeHandler): void {
    this.handlers.set(entity, [...(this.handlers.get(entity) ?? []), handler]);
  }

  /** Milliseconds since the snapshots were last known to be fresh; infinite before the first load. */
  stalenessMs(nowMs: number): number {
    return this.lastSuccessMs === 0 ? Number.POSITIVE_INFINITY : nowMs - this.lastSuccessMs;
  }

  /** Makes every change that is committed by now visible in this process. */
  async catchUp(): Promise<void> {
    const run = this.running.then(() => this.readChanges());
    this.running = run.catch(() => undefined);
    return run;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.catchUp();
    await this.connection.listen('config_change', () => void this.catchUp().catch(() => undefined));
    this.schedule();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    await this.running;
  }

  private schedule(): void {
    this.timer = setTimeout(() => void this.poll(), POLL_INTERVAL_MS);
    this.timer.unref();
  }

  private async poll(): Promise<void> {
    try {
      await this.catchUp();
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'snapshots could not be refreshed');
    }
    if (this.timer !== null) this.schedule();
  }

  private async readChanges(): Promise<void> {
    if (this.seenVersion === null) return this.loadEverything();
    const rows = await this.connection.query<ChangeRow>('changes_since', CHANGES_SINCE, [this.seenVersion]);
    const first = rows[0];
    if (first !== undefined && first.version !== this.seenVersion + 1n) return this.loadEverything();
    const last = rows.at(-1);
    if (last !== undefined) {
      await this.apply(rows);
      this.seenVersion = last.version;
    }
    this.lastSuccessMs = Date.now();
    if (rows.length === ROWS_MAX) await this.readChanges();
  }

  private async apply(rows: readonly ChangeRow[]): Promise<void> {
    const idsByEntity = new Map<ChangeEntity, Set<string>>();
    for (const row of rows) {
      const ids = idsByEntity.get(row.entity) ?? new Set<string>();
      idsByEntity.set(row.entity, ids.add(row.entity_id));
    }
    for (const [entity, ids] of idsByEntity) {
      for (const handler of this.handlers.get(entity) ?? []) await handler.reload([...ids]);
    }
  }

  private async loadEverything(): Promise<void> {
    const [row] = await this.connection.query<{ version: bigint }>('current_version', CURRENT_VERSION);
    const version = row?.version ?? 0n;
    for (const handlers of this.handlers.values()) {
      for (const handler of handlers) await handler.reloadAll();
    }
    this.seenVersion = version;
    this.lastSuccessMs = Date.now();
  }
}
