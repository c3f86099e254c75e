import { Injectable } from '@nestjs/common';
import { usdMicros } from '../platform/money/index.js';
import { AdapterRegistry } from './adapters/adapter-registry.js';
import type { ProviderAdapter } from './adapters/adapter.js';
import { AttemptWatch } from './attempt/attempt-watch.js';
import { DIAGNOSES, diagnosisOf } from './domain/diagnosis.js';
import type { Endpoint, EndpointTimeouts } from './domain/endpoint.js';
import { UpstreamFailure } from './domain/failure.js';
import { secretOwner, type ProviderRow, type ProviderTest } from './domain/provider.js';
import { SecretBox } from '../platform/secrets/index.js';

/** An operator waits for it: shorter than the time-outs of calls. A model may think for a while. */
const WITHOUT_MODEL_MS = { phaseMs: 5_000, totalMs: 10_000 };
const WITH_MODEL_MS = { phaseMs: 25_000, totalMs: 30_000 };

const MESSAGES = [{ role: 'user', content: 'Reply with OK.' }];
const OUTPUT_TOKENS = 16;

/** What was found, before it is timed. */
type Finding = Pick<ProviderTest, 'status' | 'models'>;

/** Makes a real call to a provider, for the administration and for active probes. */
@Injectable()
export class ProviderProbe {
  constructor(
    private readonly adapters: AdapterRegistry,
    private readonly box: SecretBox,
  ) {}

  /**
   * Whether the provider answers and takes its key; a failure is a result, not an error.
   * @param model asks this model for a word, which costs a few tokens; `null` asks a question that costs nothing.
   */
  async run(row: ProviderRow, model: string | null): Promise<ProviderTest> {
    const startedAtMs = performance.now();
    const { phaseMs, totalMs } = model === null ? WITHOUT_MODEL_MS : WITH_MODEL_MS;
    const watch = new AttemptWatch(timeoutsOf(phaseMs, totalMs), startedAtMs + totalMs);
    const outcome = await this.find(row, model, watch).then(successOf, (error: unknown) =>
      failureOf(error, model !== null),
    );
    watch.stop();
    return {
      ...outcome,
      model,
      message: DIAGNOSES[outcome.diagnosis],
      durationMs: Math.round(performance.now() - startedAtMs),
    };
  }

  private async find(row: ProviderRow, model: string | null, watch: AttemptWatch): Promise<Finding> {
    const adapter = this.adapters.find(row.adapter);
    if (adapter === null) throw new UpstreamFailure('operator_fault', 'adapter_unknown');
    const apiKey = this.openKey(row);
    try {
      if (model === null) return await adapter.probe({ baseUrl: row.baseUrl, apiKey, watch });
      await askModel(adapter, { endpoint: endpointOf(row, model), apiKey, watch });
      return { status: adapter.usesNetwork ? 200 : null, models: null };
    } catch (error) {
      throw error instanceof UpstreamFailure ? error.without(apiKey) : error;
    }
  }

  private openKey({ id, apiKeySealed }: ProviderRow): string | null {
    try {
      return apiKeySealed === null ? null : this.box.open(apiKeySealed, secretOwner(id));
    } catch (error) {
      throw new UpstreamFailure('operator_fault', 'secret_unreadable', { cause: error });
    }
  }
}

/** Newer models of OpenAI know only the newer name of the maximum, others only the older one. */
async function askModel(
  adapter: ProviderAdapter,
  call: { endpoint: Endpoint; apiKey: string | null; watch: AttemptWatch },
): Promise<void> {
  const ask = (body: Record<string, unknown>): Promise<unknown> =>
    adapter.complete({ ...call, body: { messages: MESSAGES, ...body }, written: new Map() });
  try {
    await ask({ max_tokens: OUTPUT_TOKENS });
  } catch (error) {
    const isName = error instanceof UpstreamFailure && /max_completion_tokens/.test(error.callerFault?.message ?? '');
    if (!isName) throw error;
    await ask({ max_completion_tokens: OUTPUT_TOKENS });
  }
}

function endpointOf({ id, name, adapter, baseUrl, hangupBilling }: ProviderRow, upstreamModel: string): Endpoint {
  return {
    id,
    modelId: id,
    modelKey: upstreamModel,
    providerId: id,
    providerName: name,
    adapter,
    baseUrl,
    hangupBilling,
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
  };
}

function timeoutsOf(phaseMs: number, totalMs: number): EndpointTimeouts {
  return {
    connectMs: phaseMs,
    headersMs: phaseMs,
    firstEventMs: phaseMs,
    firstTokenMs: phaseMs,
    idleMs: phaseMs,
    totalMs,
  };
}

type Outcome = Omit<ProviderTest, 'durationMs' | 'message' | 'model'>;

function successOf(finding: Finding): Outcome {
  return { ok: true, diagnosis: 'ok', error: null, detail: null, ...finding };
}

function failureOf(error: unknown, withModel: boolean): Outcome {
  if (!(error instanceof UpstreamFailure)) throw error;
  return {
    ok: false,
    diagnosis: diagnosisOf(error, withModel),
    status: error.status,
    error: error.reason,
    detail: error.callerFault?.message ?? error.said,
    models: null,
  };
}
