import { randomBytes } from 'node:crypto';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { ChangeFeed } from '../../src/platform/changes/index.js';
import { readConfig } from '../../src/platform/config/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { micros } from '../../src/platform/money/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import {
  EndpointService,
  ModelService,
  PriceService,
  RouterModule,
  RouterService,
  TierRateService,
  type NewModel,
} from '../../src/router/index.js';
import { createTestDatabase, type TestDatabase } from './database.js';

/** The router module on a database of its own, as one process has it. */
export class RouterContext {
  private constructor(
    readonly database: TestDatabase,
    readonly app: INestApplicationContext,
    private readonly env: Record<string, string>,
  ) {}

  static async create(env: Record<string, string> = {}): Promise<RouterContext> {
    const database = await createTestDatabase();
    return new RouterContext(database, await startProcess(database.url, env), env);
  }

  /** A second process on the same database; the caller closes it. */
  async another(env: Record<string, string> = {}): Promise<RouterContext> {
    return new RouterContext(this.database, await startProcess(this.database.url, { ...this.env, ...env }), env);
  }

  get router(): RouterService {
    return this.app.get(RouterService);
  }

  get models(): ModelService {
    return this.app.get(ModelService);
  }

  get prices(): PriceService {
    return this.app.get(PriceService);
  }

  get endpoints(): EndpointService {
    return this.app.get(EndpointService);
  }

  get tierRates(): TierRateService {
    return this.app.get(TierRateService);
  }

  get feed(): ChangeFeed {
    return this.app.get(ChangeFeed);
  }

  get dataSource(): DataSource {
    return this.app.get(DataSource);
  }

  /** A provider row; providers belong to another module, so it is written directly. */
  async provider(fields: { name?: string; adapter?: string; enabled?: boolean } = {}): Promise<string> {
    const id = newId();
    await this.dataSource.query(
      'insert into provider (id, name, adapter, base_url, enabled) values ($1, $2, $3, $4, $5)',
      [
        id,
        fields.name ?? `provider-${id}`,
        fields.adapter ?? 'openai',
        'https://api.acme.example/v1',
        fields.enabled ?? true,
      ],
    );
    return id;
  }

  /** An enabled, priced model with one endpoint. */
  async servedModel(fields: Partial<NewModel> = {}): Promise<{ id: string; modelKey: string; endpointId: string }> {
    const model = await this.models.create(newModel(fields));
    const endpoint = await this.endpoints.create(model.id, {
      providerId: await this.provider(),
      upstreamModel: 'small-1',
    });
    return { id: model.id, modelKey: model.modelKey, endpointId: endpoint.id };
  }

  /** Ends this process. */
  async close(): Promise<void> {
    await this.app.close();
  }

  async destroy(): Promise<void> {
    await this.close();
    await this.database.drop();
  }
}

/** Input of an enabled standard model of 200/900/20/250 credits. */
export function newModel(fields: Partial<NewModel> = {}): NewModel {
  return {
    modelKey: `acme/model-${randomBytes(6).toString('hex')}`,
    tier: 'standard',
    contextWindow: 128_000,
    maxOutputTokens: 8_192,
    hiddenOutputMax: null,
    rates: {
      inputPerMtok: micros(200_000_000),
      outputPerMtok: micros(900_000_000),
      cacheReadPerMtok: micros(20_000_000),
      cacheWritePerMtok: micros(250_000_000),
    },
    enabled: true,
    ...fields,
  };
}

async function startProcess(databaseUrl: string, env: Record<string, string>): Promise<INestApplicationContext> {
  const secrets = `1:${Buffer.alloc(32, 7).toString('base64')}`;
  const config = readConfig({
    DATABASE_URL: databaseUrl,
    HASH_SECRETS: secrets,
    ENCRYPTION_SECRETS: secrets,
    LOG_LEVEL: 'silent',
    ...env,
  });
  @Module({ imports: [PlatformModule.forRoot(config, 'test'), RouterModule] })
  class RouterProcess {}
  return NestFactory.createApplicationContext(RouterProcess, { logger: false });
}
