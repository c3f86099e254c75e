import { randomBytes } from 'node:crypto';
import { AdminClient } from './admin.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { GatewayProcess } from './gateway.js';
import { UpstreamProcess } from './upstream/client.js';

export interface ModelOptions {
  /** Behaviours of the upstream, one endpoint each, in order of priority; each has a provider of its own. */
  behaviours?: readonly string[];
  tier?: 'economy' | 'standard' | 'premium';
  /** Fields of the model resource. */
  fields?: Record<string, unknown>;
  /** Fields of every endpoint. */
  endpoint?: Record<string, unknown>;
  /** After how long an endpoint that stalls is given up. The others get all the time that a busy machine needs. */
  stallMs?: number;
  /** Fields of every provider, e.g. `hangup_billing`. */
  provider?: Record<string, unknown>;
}

export interface TestModel {
  id: string;
  key: string;
  /** Provider names in order of priority. */
  providers: string[];
}

export interface KeyOptions {
  /** Credits by tier; all three tiers get 1000 when absent. */
  credits?: Partial<Record<'economy' | 'standard' | 'premium', string>>;
  policy?: Record<string, unknown>;
  /** Fields of the key resource. */
  fields?: Record<string, unknown>;
}

export interface TestKey {
  id: string;
  key: string;
  accountId: string;
}

export interface WorldParts {
  database?: TestDatabase;
  upstream?: UpstreamProcess;
}

const DEFAULT_CREDITS = { economy: '1000', standard: '1000', premium: '1000' };

/** What an end-to-end test needs: a database, an upstream process, a gateway process, and an operator. */
export class World {
  admin: AdminClient;

  private constructor(
    readonly database: TestDatabase,
    readonly upstream: UpstreamProcess,
    public gateway: GatewayProcess,
    private readonly env: Record<string, string>,
  ) {
    this.admin = new AdminClient(gateway.url);
  }

  /** `env` are settings of the gateway. `parts` replaces what a load run brings along. */
  static async create(env: Record<string, string> = {}, parts: WorldParts = {}): Promise<World> {
    const [database, upstream] = await Promise.all([
      parts.database ?? createTestDatabase(),
      parts.upstream ?? UpstreamProcess.start(),
    ]);
    try {
      return new World(database, upstream, await GatewayProcess.start({ databaseUrl: database.url, env }), env);
    } catch (error) {
      await upstream.stop();
      await database.drop();
      throw error;
    }
  }

  get url(): string {
    return this.gateway.url;
  }

  async destroy(): Promise<void> {
    await this.gateway.stop();
    await this.upstream.stop();
    await this.database.drop();
  }

  /** Starts a new gateway process on the same data. The old one must have ended. */
  async restart(): Promise<void> {
    this.gateway = await this.startAnother();
    this.admin = new AdminClient(this.gateway.url);
  }

  /** One more gateway process on the same database; the caller stops it. */
  startAnother(env: Record<string, string> = {}): Promise<GatewayProcess> {
    return GatewayProcess.start({ databaseUrl: this.database.url, env: { ...this.env, ...env } });
  }

  /** Brings a gateway everything that was committed before: it reads that with every write of its own. */
  async caughtUp(gateway: GatewayProcess): Promise<void> {
    await new AdminClient(gateway.url).post('/accounts', { kind: 'personal', name: unique('account') });
  }

  /** A model with a price of 200/900/20/250 credits a million tokens, unless `fields` say otherwise. */
  async model(options: ModelOptions = {}): Promise<TestModel> {
    const key = unique('model');
    const model = await this.admin.post<{ id: string; model_key: string }>('/models', {
      model_key: key,
      display_name: key,
      tier: options.tier ?? 'standard',
      feature_tags: ['chat', 'tools', 'vision', 'json_schema'],
      mci_score: 50,
      context_window: 128_000,
      max_output_tokens: 8192,
      customer_input_mtok: '200',
      customer_output_mtok: '900',
      customer_cacheread_mtok: '20',
      customer_cachewrite_mtok: '250',
      enabled: true,
      ...options.fields,
    });
    const providers: string[] = [];
    for (const [at, behaviour] of (options.behaviours ?? ['ok-n20-p10']).entries()) {
      const provider = await this.provider(options.provider);
      providers.push(provider.name);
      await this.admin.post(`/models/${model.id}/endpoints`, {
        provider_id: provider.id,
        upstream_model: behaviour,
        priority: at + 1,
        weight: 1,
        ...(/^(stall|held)/.test(behaviour) && options.stallMs !== undefined ? waitingFor(options.stallMs) : {}),
        ...options.endpoint,
      });
    }
    return { id: model.id, key: model.model_key, providers };
  }

  /** A provider at the fault-injecting upstream. */
  async provider(fields: Record<string, unknown> = {}): Promise<{ id: string; name: string }> {
    const name = unique('provider');
    const provider = await this.admin.post<{ id: string }>('/providers', {
      name,
      adapter: 'openai',
      base_url: this.upstream.url,
      api_key: `sk-canary-${name}`,
      ...fields,
    });
    return { id: provider.id, name };
  }

  async account(credits: KeyOptions['credits'] = DEFAULT_CREDITS): Promise<string> {
    const { id } = await this.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: unique('account') });
    for (const [tier, amount] of Object.entries(credits)) await this.admin.topUp(id, tier, amount);
    return id;
  }

  /** A key with an account and wallets of its own. */
  async key(options: KeyOptions = {}): Promise<TestKey> {
    const accountId =
      (options.fields?.['owner_account_id'] as string | undefined) ?? (await this.account(options.credits));
    const policyId = options.policy === undefined ? undefined : await this.policy(options.policy);
    const created = await this.admin.post<{ id: string; key: string }>('/api-keys', {
      name: unique('key'),
      owner_account_id: accountId,
      ...(policyId === undefined ? {} : { policy_id: policyId }),
      ...options.fields,
    });
    return { id: created.id, key: created.key, accountId };
  }

  async policy(fields: Record<string, unknown>): Promise<string> {
    const { id } = await this.admin.post<{ id: string }>('/policies', { name: unique('policy'), ...fields });
    return id;
  }
}

function waitingFor(ms: number): Record<string, unknown> {
  return { timeouts: { headers_ms: ms, first_token_ms: ms, idle_ms: ms } };
}

/** A name that no other test uses. */
export function unique(label: string): string {
  return `${label}-${randomBytes(6).toString('hex')}`;
}
