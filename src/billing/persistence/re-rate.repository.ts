import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { isUuid } from '../../platform/ids/index.js';
import { micros } from '../../platform/money/index.js';
import type { RatedUsage } from '../domain/re-rate.js';

/** Rows of one page: few enough to be nothing in memory, many enough that the round trip does not count. */
const PAGE_ROWS = 2_000;

const PAGE = `select account_id, request_id, model_key, price_id, status, input_tokens, output_tokens, cached_input_tokens,
    cached_output_tokens, credits_used, case when status in ('expired', 'released') then outcome ->> 'disposition' end as disposition
  from usage_record
  where request_id > $1 and request_id < $2 and ($3::uuid is null or model_id = $3) and ($4::text is null or model_key = $4)
  order by request_id limit ${PAGE_ROWS}`;

interface Row {
  account_id: string;
  request_id: string;
  model_key: string;
  price_id: string;
  status: RatedUsage['status'];
  input_tokens: number;
  output_tokens: number;
  cached_input_tokens: number;
  cached_output_tokens: number;
  credits_used: string;
  disposition: string | null;
}

/** Reads usage records in the order of their ids, a page at a time. */
@Injectable()
export class ReRateRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /**
   * @param floorId every id above it.
   * @param endId every id below it.
   * @param model model_key or model_id; `null` for all.
   */
  async *pages(floorId: string, endId: string, model: string | null): AsyncGenerator<RatedUsage[]> {
    const byId = model !== null && isUuid(model);
    for (let afterId = floorId; ;) {
      const values = [afterId, endId, byId ? model : null, byId ? null : model];
      const rows = await this.dataSource.query<Row[]>(PAGE, values);
      if (rows.length > 0) yield rows.map(usageOf);
      if (rows.length < PAGE_ROWS) return;
      afterId = rows.at(-1)?.request_id ?? endId;
    }
  }
}

function usageOf(row: Row): RatedUsage {
  return {
    accountId: row.account_id,
    requestId: row.request_id,
    modelKey: row.model_key,
    priceId: row.price_id,
    status: row.status,
    disposition: row.disposition,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    cachedInputTokens: row.cached_input_tokens,
    cachedOutputTokens: row.cached_output_tokens,
    creditsUsedMicros: micros(BigInt(row.credits_used)),
  };
}
