import { randomBytes } from 'node:crypto';
import { ADMIN_TOKEN } from './gateway.js';
import { pollUntil } from './poll.js';

export interface WalletView {
  tier: string;
  available: string;
  frozen: string;
}

export interface UsageView {
  request_id: string;
  client_request_id: string;
  api_key_id: string;
  account_id: string;
  model_key: string;
  provider: string | null;
  tier: string;
  stream: boolean;
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens: number;
  cached_output_tokens: number;
  credits_used: string;
  credits_charged: string;
  shortfall: string;
  provider_cost_usd: string;
  usage_source: string;
  status: string;
  created_at: string;
  settled_at: string | null;
}

export interface TraceView {
  request_id: string;
  client_request_id: string;
  status: number | null;
  verdict: string;
  next_step: string;
  stages: ({ stage: string; status: string; ms: number | null } & Record<string, unknown>)[];
}

/** The administration door, as an operator's script would use it. */
export class AdminClient {
  constructor(
    private readonly url: string,
    private readonly token: string = ADMIN_TOKEN,
  ) {}

  /** Any call, whatever it answers. */
  async send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.url}/admin/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  async get<T>(path: string): Promise<T> {
    return this.expectOk<T>('GET', path);
  }

  async post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
    return this.expectOk<T>('POST', path, body, headers);
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return this.expectOk<T>('PATCH', path, body);
  }

  async topUp(accountId: string, tier: string, amount: string): Promise<void> {
    const reference = `test ${randomBytes(6).toString('hex')}`;
    const headers = { 'idempotency-key': reference };
    await this.post(`/accounts/${accountId}/wallets/${tier}/top-ups`, { amount, reference }, headers);
  }

  async wallet(accountId: string, tier: string): Promise<WalletView> {
    const { data } = await this.get<{ data: WalletView[] }>(`/accounts/${accountId}/wallets`);
    const found = data.find((wallet) => wallet.tier === tier);
    if (found === undefined) throw new Error(`no ${tier} wallet in ${JSON.stringify(data)}`);
    return found;
  }

  async usage(requestId: string): Promise<UsageView | null> {
    const { data } = await this.get<{ data: UsageView[] }>(`/usage?request_id=${requestId}`);
    return data[0] ?? null;
  }

  /** Waits until a request's freeze has ended and its record says how. */
  async settled(requestId: string, timeoutMs?: number): Promise<UsageView> {
    const ended = async (): Promise<UsageView | null> => {
      const usage = await this.usage(requestId);
      return usage === null || usage.status === 'pending' ? null : usage;
    };
    return pollUntil(ended, `settlement of ${requestId}`, timeoutMs);
  }

  trace(requestId: string): Promise<TraceView> {
    return this.get<TraceView>(`/requests/${requestId}`);
  }

  private async expectOk<T>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<T> {
    const response = await this.send(method, path, body, headers);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status.toString()} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }
}
