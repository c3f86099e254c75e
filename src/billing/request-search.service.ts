import { Injectable } from '@nestjs/common';
import {
  foundRefused,
  foundServed,
  wantsRefused,
  wantsServed,
  type FoundRequest,
  type RequestFilter,
} from './domain/request-search.js';
import type { UsageRecord } from './domain/usage.js';
import { UsageRepository } from './persistence/usage.repository.js';
import { RequestTraces } from './request-traces.js';
import { UsageService } from './usage.service.js';

/** Finds requests, served ones by their usage and the others by their traces. */
@Injectable()
export class RequestSearchService {
  constructor(
    private readonly traces: RequestTraces,
    private readonly usage: UsageService,
    private readonly records: UsageRepository,
  ) {}

  /**
   * Newest first. `cursor` is the `nextCursor` of the page before; a page may be shorter than its limit and yet not the
   * last one.
   */
  async search(
    filter: RequestFilter,
    page: { limit: number; cursor: string | null },
  ): Promise<{ items: FoundRequest[]; nextCursor: string | null }> {
    const wanted = page.limit + 1;
    const refused = wantsRefused(filter) ? await this.traces.listRefused(filter, wanted, page.cursor) : [];
    const served = wantsServed(filter) ? await this.served(filter, wanted, page.cursor) : [];
    // A request that froze credits and failed is in both; its trace says more.
    const failed = await this.traces.refusedAmong(served.map(({ requestId }) => requestId));
    const usageOf = await this.usageOf(refused.map(({ requestId }) => requestId));
    const all = [
      ...refused.map((request) => foundRefused(request, usageOf.get(request.requestId) ?? null)),
      ...served.filter(({ requestId }) => !failed.has(requestId)).map(foundServed),
    ].sort((one, other) => (one.requestId < other.requestId ? 1 : -1));
    const items = all.slice(0, page.limit);
    const last = all.length > page.limit ? items.at(-1) : served.length === wanted ? served.at(-1) : undefined;
    return { items, nextCursor: last?.requestId ?? null };
  }

  private async served(filter: RequestFilter, limit: number, cursor: string | null): Promise<UsageRecord[]> {
    const { requestId, apiKeyId, accountId, model, from, to } = filter;
    const found = await this.usage.list({ requestId, apiKeyId, accountId, model, from, to }, { limit, cursor });
    return found.items;
  }

  private async usageOf(requestIds: readonly string[]): Promise<Map<string, UsageRecord>> {
    const records = await this.records.findByIds(requestIds);
    return new Map(records.map((record) => [record.requestId, record]));
  }
}
