import { Injectable } from '@nestjs/common';
import { SecretBox } from '../platform/secrets/index.js';
import { AdapterRegistry } from './adapters/adapter-registry.js';
import type { ProbeResult } from './adapters/adapter.js';
import { AttemptWatch } from './attempt/attempt-watch.js';
import { UpstreamFailure } from './domain/failure.js';
import { secretOwner, type ProviderRow, type ProviderTest } from './domain/provider.js';

/** An operator waits for it: shorter than the time-outs of calls. */
const PHASE_MS = 5_000;
const TOTAL_MS = 10_000;
const TIMEOUTS = {
  connectMs: PHASE_MS,
  headersMs: PHASE_MS,
  firstTokenMs: PHASE_MS,
  idleMs: PHASE_MS,
  totalMs: TOTAL_MS,
};

/** Makes a real call to a provider, for the administration. */
@Injectable()
export class ProviderProbe {
  constructor(
    private readonly adapters: AdapterRegistry,
    private readonly box: SecretBox,
  ) {}

  /** Whether the provider answers and takes its key; a failure is a result, not an error. */
  async run(row: ProviderRow): Promise<ProviderTest> {
    const startedAtMs = performance.now();
    const watch = new AttemptWatch(TIMEOUTS, startedAtMs + TOTAL_MS);
    const outcome = await this.ask(row, watch).catch(failureResult);
    watch.stop();
    return { ...outcome, durationMs: Math.round(performance.now() - startedAtMs) };
  }

  private async ask(row: ProviderRow, watch: AttemptWatch): Promise<Omit<ProviderTest, 'durationMs'>> {
    const adapter = this.adapters.find(row.adapter);
    if (adapter === null) throw new UpstreamFailure('operator_fault', 'adapter_unknown');
    const result: ProbeResult = await adapter.probe({ baseUrl: row.baseUrl, apiKey: this.openKey(row), watch });
    return { ok: true, error: null, ...result };
  }

  private openKey({ id, apiKeySealed }: ProviderRow): string | null {
    try {
      return apiKeySealed === null ? null : this.box.open(apiKeySealed, secretOwner(id));
    } catch (error) {
      throw new UpstreamFailure('operator_fault', 'secret_unreadable', { cause: error });
    }
  }
}

function failureResult(error: unknown): Omit<ProviderTest, 'durationMs'> {
  if (!(error instanceof UpstreamFailure)) throw error;
  return { ok: false, status: error.status, error: error.reason, models: null };
}
