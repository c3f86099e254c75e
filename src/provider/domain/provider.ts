import type { Diagnosis } from './diagnosis.js';
import type { HangupBilling } from './endpoint.js';

/** A provider as it is stored; its key only sealed. */
export interface ProviderRow {
  id: string;
  name: string;
  adapter: string;
  baseUrl: string;
  apiKeySealed: string | null;
  hangupBilling: HangupBilling;
  enabled: boolean;
  createdAt: Date;
  updatedAt: Date;
}

/** A provider as operators see it: the key is never shown, only whether there is one. */
export interface ProviderView extends Omit<ProviderRow, 'apiKeySealed'> {
  hasApiKey: boolean;
}

export interface NewProvider {
  name: string;
  /** Folder name under `src/provider/adapters`. */
  adapter: string;
  baseUrl: string;
  /** Write-only. */
  apiKey?: string | null | undefined;
  hangupBilling?: HangupBilling | undefined;
  enabled?: boolean | undefined;
}

/** Fields that are absent stay as they are; `apiKey: null` removes the key. */
export type ProviderPatch = Partial<NewProvider>;

/** What a provider answered to a test call. */
export interface ProviderTest {
  ok: boolean;
  /** The first thing that is wrong, or `ok`. */
  diagnosis: Diagnosis;
  /** What that means and what to look at, one sentence. */
  message: string;
  /** The provider's own words about a refused request, cleaned of hosts and keys. */
  detail: string | null;
  /** The model that was asked; `null` when none was. */
  model: string | null;
  /** HTTP status, when it answered. */
  status: number | null;
  durationMs: number;
  /** Short reason of a failure, e.g. `connect_refused`, `http_401`, `address_refused`. */
  error: string | null;
  /** How many models it offers under this key, when it says so. */
  models: number | null;
}

/** What the sealed key of a provider is bound to. */
export function secretOwner(providerId: string): string {
  return `provider:${providerId}`;
}

export function viewOf({ apiKeySealed, ...row }: ProviderRow): ProviderView {
  return { ...row, hasApiKey: apiKeySealed !== null };
}
