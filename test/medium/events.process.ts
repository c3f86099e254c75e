import { Test, type TestingModule } from '@nestjs/testing';
import { DataSource } from 'typeorm';
import { EventLog, EventsModule, WebhookService, type NewEvent } from '../../src/events/index.js';
import { Courier } from '../../src/events/jobs/courier.js';
import { EventRetention } from '../../src/events/jobs/event-retention.js';
import { readConfig } from '../../src/platform/config/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import { SealedStores } from '../../src/platform/secrets/index.js';
import type { TestDatabase } from '../support/database.js';
import { gatewayEnvironment } from '../support/gateway.js';

/** A process with events and nothing else; nothing happens in it by itself. */
export class EventsProcess {
  private constructor(private readonly app: TestingModule) {}

  static async start(database: TestDatabase, env: Record<string, string> = {}): Promise<EventsProcess> {
    const settings = { LOG_LEVEL: 'silent', WORKERS_ENABLED: 'false', ...env };
    const config = readConfig(gatewayEnvironment({ databaseUrl: database.url, env: settings }));
    const imports = [PlatformModule.forRoot(config, 'test'), EventsModule];
    const app = await Test.createTestingModule({ imports }).compile();
    await app.init();
    return new EventsProcess(app);
  }

  get log(): EventLog {
    return this.app.get(EventLog);
  }
  get webhooks(): WebhookService {
    return this.app.get(WebhookService);
  }
  get courier(): Courier {
    return this.app.get(Courier);
  }
  get retention(): EventRetention {
    return this.app.get(EventRetention);
  }
  get sealed(): SealedStores {
    return this.app.get(SealedStores);
  }
  get sql(): DataSource {
    return this.app.get(DataSource);
  }

  /** Delivers what is due and waits until it has ended. */
  async deliver(): Promise<void> {
    await this.courier.look();
    await this.courier.idle();
  }

  /** Makes every pending delivery due now. */
  async hurry(): Promise<void> {
    await this.sql.query(`update webhook_delivery set next_attempt_at = now() where state = 'pending'`);
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}

let number = 0;

/** An event that no other test raises. */
export function someEvent(changes: Partial<NewEvent> = {}): NewEvent {
  number += 1;
  const subject = { type: 'endpoint', id: `endpoint-${number.toString()}` };
  return { kind: 'breaker_open', accountId: null, subject, data: { number }, ...changes };
}
