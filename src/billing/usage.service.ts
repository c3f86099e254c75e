import { Injectable } from '@nestjs/common';
import { requestIdFloor } from '../platform/ids/index.js';
import { usdMicros, ZERO_MICROS } from '../platform/money/index.js';
import { WalletService, type Freeze, type FreezeFilter } from '../wallet/index.js';
import { outcomeOf } from './domain/outcome.js';
import type { UsageFilter, UsageRecord } from './domain/usage.js';
import { UsageRepository } from './persistence/usage.repository.js';

/** Records of one page of an export: nothing in memory, and the round trip does not count. */
const PAGE_ROWS = 2_000;

/** Open freezes of one page; a request that waits longer for its settlement than this many others is on a later page. */
const OPEN_MAX = 1_000;

/** What requests have used: recorded ones, and those whose freeze is still open as `pending`. */
@Injectable()
export class UsageService {
  constructor(
    private readonly repository: UsageRepository,
    private readonly wallets: WalletService,
  ) {}

  /** Newest first. `cursor` is the `nextCursor` of the page before. */
  async list(
    filter: UsageFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<{ items: UsageRecord[]; nextCursor: string | null }> {
    // Pending ones first: a request that is settled in between is then seen twice, never missed.
    const pending = await this.pending(filter, page.limit + 1, page.cursor);
    const recorded = filter.status === 'pending' ? [] : await this.repository.list(filter, page.limit + 1, page.cursor);
    const known = new Set(recorded.map(({ requestId }) => requestId));
    const all = [...recorded, ...pending.filter(({ requestId }) => !known.has(requestId))].sort(newestFirst);
    const items = all.slice(0, page.limit);
    return { items, nextCursor: all.length > page.limit ? (items.at(-1)?.requestId ?? null) : null };
  }

  /** Every record from `cursor` on, newest first, a page at a time; what is settled meanwhile comes at most once. */
  async *pages(filter: UsageFilter, cursor: string | null): AsyncGenerator<readonly UsageRecord[]> {
    let next = cursor;
    do {
      const page = await this.list(filter, { limit: PAGE_ROWS, cursor: next });
      if (page.items.length > 0) yield page.items;
      next = page.nextCursor;
    } while (next !== null);
  }

  /** One request by its gateway id; `null` when nothing was ever frozen for it. */
  async find(requestId: string): Promise<UsageRecord | null> {
    const open = await this.wallets.listFreezes({ requestId }, { limit: 1, cursor: null });
    const recorded = await this.repository.findById(requestId);
    const freeze = open.items.find(({ id }) => id === requestId);
    return recorded ?? (freeze === undefined ? null : pendingOf(freeze));
  }

  private async pending(filter: UsageFilter, limit: number, cursor: string | null): Promise<UsageRecord[]> {
    if (filter.status !== undefined && filter.status !== 'pending') return [];
    const open: FreezeFilter = {
      requestId: filter.requestId,
      accountId: filter.accountId,
      apiKeyId: filter.apiKeyId,
      tier: filter.tier,
    };
    const { items } = await this.wallets.listFreezes(open, { limit: Math.max(limit, OPEN_MAX), cursor });
    // A late outcome has a record already.
    return items
      .filter((freeze) => freeze.endedAt === null)
      .map(pendingOf)
      .filter((record) => matches(record, filter))
      .slice(0, limit);
  }
}

function newestFirst(one: UsageRecord, other: UsageRecord): number {
  if (one.requestId === other.requestId) return 0;
  return one.requestId < other.requestId ? 1 : -1;
}

function matches(record: UsageRecord, filter: UsageFilter): boolean {
  const { model, provider, from, to } = filter;
  return (
    (model === undefined || model === record.modelKey || model === record.modelId) &&
    (provider === undefined || provider === record.provider) &&
    (from === undefined || record.requestId >= requestIdFloor(from.getTime())) &&
    (to === undefined || record.requestId < requestIdFloor(to.getTime()))
  );
}

/** An open freeze as a usage record; what its outcome says already is shown, nothing is charged yet. */
function pendingOf(freeze: Freeze): UsageRecord {
  const outcome = outcomeOf(freeze);
  const { modelKey } = freeze.facts;
  return {
    requestId: freeze.id,
    clientRequestId: freeze.clientRequestId,
    apiKeyId: freeze.apiKeyId,
    accountId: freeze.accountId,
    modelId: freeze.modelId,
    modelKey: typeof modelKey === 'string' ? modelKey : '',
    provider: outcome?.providerName ?? null,
    tier: freeze.tier,
    stream: freeze.stream,
    status: 'pending',
    inputTokens: outcome?.usage.inputTokens ?? 0,
    outputTokens: outcome?.usage.outputTokens ?? 0,
    cachedInputTokens: outcome?.usage.cachedInputTokens ?? 0,
    cachedOutputTokens: outcome?.usage.cachedOutputTokens ?? 0,
    frozenMicros: freeze.amountMicros,
    creditsUsedMicros: ZERO_MICROS,
    creditsChargedMicros: ZERO_MICROS,
    shortfallMicros: ZERO_MICROS,
    usdCostMicros: usdMicros(0n),
    providerCostUsdMicros: usdMicros(0n),
    marginUsdMicros: usdMicros(0n),
    usageSource: outcome?.usageSource ?? 'unavailable',
    priceId: freeze.priceId,
    corrections: 0,
    createdAt: freeze.createdAt,
    settledAt: null,
  };
}
