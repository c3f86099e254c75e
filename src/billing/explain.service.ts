import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { AppError } from '../platform/errors/index.js';
import { isRequestLabel } from '../platform/ids/index.js';
import { JobQueues } from '../platform/queue/index.js';
import { WalletService, type Freeze } from '../wallet/index.js';
import { explain, type Explanation, type RequestEvidence } from './domain/explanation.js';
import { RequestTraces } from './request-traces.js';
import { CorrectionRepository } from './persistence/correction.repository.js';
import { UsageRepository } from './persistence/usage.repository.js';

/** Whose requests may be seen; an operator has no scope. */
export interface ExplainScope {
  apiKeyId: string;
}

/** Most requests that one client id is counted over. */
const SAME_ID_MAX = 1_000;

/** Tells what became of a request, stage by stage. */
@Injectable()
export class ExplainService {
  constructor(
    private readonly traces: RequestTraces,
    private readonly usage: UsageRepository,
    private readonly corrected: CorrectionRepository,
    private readonly wallets: WalletService,
    private readonly queues: JobQueues,
    private readonly clock: Clock,
  ) {}

  /**
   * Explains a request by either of its ids; the gateway's own id wins, of a shared client id the newest request is
   * explained. With a scope, only requests of that key, and without the inside of providers.
   * @throws AppError `not_found` when there is no such request in the scope.
   */
  async explain(anyId: string, scope: ExplainScope | null = null): Promise<Explanation> {
    const apiKeyId = scope?.apiKeyId ?? null;
    const evidence = isRequestLabel(anyId) ? await this.find(anyId, apiKeyId) : null;
    if (evidence === null) {
      throw new AppError('not_found', 'no such request', {
        code: 'request_not_found',
        hint: 'Use the value of X-DAOE-Request-ID or X-Request-ID of the answer. Refused requests without a valid key are kept only in samples, and the last ones before a crash may be lost; what was charged never is.',
      });
    }
    return explain(evidence, scope === null ? 'operator' : 'caller');
  }

  private async find(anyId: string, apiKeyId: string | null): Promise<RequestEvidence | null> {
    return (await this.byRequestId(anyId, apiKeyId)) ?? (await this.byClientId(anyId, apiKeyId));
  }

  private async byRequestId(requestId: string, apiKeyId: string | null): Promise<RequestEvidence | null> {
    const trace = await this.traces.findById(requestId);
    // The open freeze before the record: one that is settled in between is then seen in either.
    const open = await this.openFreezes(requestId, apiKeyId);
    const usage = await this.usage.findById(requestId);
    const freeze =
      usage === null
        ? (open.find(({ id }) => id === requestId) ?? null)
        : await this.wallets.findFreeze(usage.accountId, requestId);
    const owner = usage?.apiKeyId ?? freeze?.apiKeyId ?? trace?.apiKeyId ?? null;
    if (trace === null && usage === null && freeze === null) return null;
    if (apiKeyId !== null && owner !== apiKeyId) return null;
    const clientRequestId = trace?.clientRequestId ?? usage?.clientRequestId ?? freeze?.clientRequestId ?? '';
    const corrections =
      (usage?.corrections ?? 0) > 0 ? await this.corrected.list(usage?.accountId ?? '', requestId) : [];
    const job = await this.jobOf(freeze);
    return {
      requestId,
      clientRequestId,
      trace,
      freeze,
      usage,
      corrections,
      job,
      matches: 1,
      nowMs: this.clock.nowMs(),
    };
  }

  private async byClientId(clientRequestId: string, apiKeyId: string | null): Promise<RequestEvidence | null> {
    const open = (await this.openFreezes(clientRequestId, apiKeyId)).filter(
      (freeze) => freeze.clientRequestId === clientRequestId,
    );
    const [trace, usage] = await Promise.all([
      this.traces.findByClientId(clientRequestId, apiKeyId),
      this.usage.findByClientId(clientRequestId, apiKeyId),
    ]);
    const ids = [trace?.newest.requestId, usage?.newest.requestId, ...open.map(({ id }) => id)];
    const newest = ids
      .filter((id) => id !== undefined)
      .sort()
      .at(-1);
    if (newest === undefined) return null;
    const evidence = await this.byRequestId(newest, apiKeyId);
    const matches = Math.max((trace?.matches ?? 0) + (usage?.matches ?? 0) + open.length, 1);
    return evidence === null ? null : { ...evidence, matches };
  }

  private async openFreezes(anyId: string, apiKeyId: string | null): Promise<Freeze[]> {
    const filter = { requestId: anyId, apiKeyId: apiKeyId ?? undefined };
    return (await this.wallets.listFreezes(filter, { limit: SAME_ID_MAX, cursor: null })).items;
  }

  /** The queue matters while a settlement waits; a queue that does not answer is itself worth showing. */
  private async jobOf(freeze: Freeze | null): Promise<Record<string, unknown> | null> {
    if (freeze?.state !== 'captured') return null;
    const base = { queue: 'settlement', backend: this.queues.backendKind };
    try {
      return { ...base, ...(await this.queues.counts('settlement')) };
    } catch {
      return { ...base, state: 'unavailable' };
    }
  }
}
