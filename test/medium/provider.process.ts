import { Test, type TestingModule } from '@nestjs/testing';
import { ChangeFeed } from '../../src/platform/changes/index.js';
import { readConfig } from '../../src/platform/config/index.js';
import { newId, newRequestId } from '../../src/platform/ids/index.js';
import { usdMicros } from '../../src/platform/money/index.js';
import { PlatformModule } from '../../src/platform/platform.module.js';
import { SealedStores } from '../../src/platform/secrets/index.js';
import {
  ProviderAdmin,
  ProviderModule,
  ProviderService,
  TokenCounter,
  type Endpoint,
  type JsonAnswer,
  type StreamAnswer,
  type UpstreamRequest,
} from '../../src/provider/index.js';

const SECRETS = `1:${Buffer.alloc(32, 1).toString('base64')}`;

export const PROVIDER_KEY = 'sk-canary-provider-key-0123456789';

/** The provider module as one process has it, without a door. */
export class ProviderProcess {
  readonly providers: ProviderService;
  readonly admin: ProviderAdmin;
  readonly tokens: TokenCounter;
  readonly changes: ChangeFeed;
  readonly sealed: SealedStores;

  private constructor(private readonly app: TestingModule) {
    this.providers = app.get(ProviderService);
    this.admin = app.get(ProviderAdmin);
    this.tokens = app.get(TokenCounter);
    this.changes = app.get(ChangeFeed);
    this.sealed = app.get(SealedStores);
  }

  static async start(databaseUrl: string, settings: Record<string, string> = {}): Promise<ProviderProcess> {
    const config = readConfig({
      DATABASE_URL: databaseUrl,
      HASH_SECRETS: SECRETS,
      ENCRYPTION_SECRETS: SECRETS,
      ALLOW_PRIVATE_UPSTREAMS: 'true',
      LOG_LEVEL: 'silent',
      ...settings,
    });
    const app = await Test.createTestingModule({
      imports: [PlatformModule.forRoot(config, 'gateway'), ProviderModule],
    }).compile();
    app.enableShutdownHooks();
    await app.init();
    return new ProviderProcess(app);
  }

  async stop(): Promise<void> {
    await this.app.close();
  }

  /** Adds a provider and makes endpoints of it by upstream model. */
  async provider(name: string, baseUrl: string, adapter = 'openai'): Promise<EndpointMaker> {
    const apiKey = adapter === 'openai' ? PROVIDER_KEY : null;
    const { id } = await this.admin.create({ name, adapter, baseUrl, apiKey });
    await this.changes.catchUp();
    return (upstreamModel, more = {}) => ({
      id: newId(),
      modelId: newId(),
      modelKey: `test/${upstreamModel}`,
      providerId: id,
      providerName: name,
      adapter,
      baseUrl,
      hangupBilling: 'estimate',
      upstreamModel,
      priority: 1,
      weight: 1,
      timeouts: {},
      contextWindow: null,
      inputUsdPerMtok: usdMicros(0),
      outputUsdPerMtok: usdMicros(0),
      supportsPrefill: false,
      allowedFields: [],
      enabled: true,
      ...more,
    });
  }

  async json(endpoints: readonly Endpoint[], more: Partial<UpstreamRequest> = {}): Promise<JsonAnswer> {
    const answer = await this.providers.call(requestOf(endpoints, { stream: false, ...more }));
    if (answer.kind !== 'json') throw new Error('a stream came');
    return answer;
  }

  async stream(endpoints: readonly Endpoint[], more: Partial<UpstreamRequest> = {}): Promise<StreamAnswer> {
    const answer = await this.providers.call(requestOf(endpoints, { stream: true, ...more }));
    if (answer.kind !== 'stream') throw new Error('no stream came');
    return answer;
  }
}

/** The account of requests that name no other. */
export const CALLER = 'account-1';

export type EndpointMaker = (upstreamModel: string, more?: Partial<Endpoint>) => Endpoint;

export function requestOf(endpoints: readonly Endpoint[], more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return {
    requestId: newRequestId(),
    callerId: CALLER,
    endpoints,
    rescueEndpoints: [],
    body: { messages: [{ role: 'user', content: 'Say something.' }] },
    stream: false,
    signal: new AbortController().signal,
    ...more,
  };
}

/** Everything a stream delivered. */
export interface Collected {
  /** The `data` texts. */
  data: string[];
  /** Content of the first choice. */
  text: string;
  groups: number;
  error: unknown;
}

/** Reads a stream to its end, or to the error that ends it. */
export async function collect(answer: StreamAnswer): Promise<Collected> {
  const collected: Collected = { data: [], text: '', groups: 0, error: null };
  try {
    for await (const events of answer.events) {
      collected.groups += 1;
      for (const { data } of events) {
        collected.data.push(data);
        collected.text += contentOf(data);
      }
    }
  } catch (error) {
    collected.error = error;
  }
  return collected;
}

function contentOf(data: string): string {
  const chunk = JSON.parse(data) as { choices: { delta?: { content?: string | null } }[] };
  return chunk.choices[0]?.delta?.content ?? '';
}

/** `provider=reason` of every attempt that failed. */
export function reasonsOf(attempts: StreamAnswer['attempts']): string[] {
  return attempts.flatMap(({ provider, reason }) => (reason === null ? [] : [`${provider}=${reason}`]));
}
