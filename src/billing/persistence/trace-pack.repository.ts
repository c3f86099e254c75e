import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { newId } from '../../platform/ids/index.js';
import { lineOf, receivedSOf, type TracePack } from '../domain/trace-pack.js';
import type { RequestTrace } from '../domain/trace.js';

const INSERT = `insert into trace_pack (received_s, pack_id, lines)
  select * from unnest($1::bigint[], $2::uuid[], $3::bytea[])`;
const FIND = 'select lines from trace_pack where received_s = $1';

const compress = promisify(deflateRaw);
const expand = promisify(inflateRaw);

/** Traces of served requests: compressed lines, one row for those that were received in one second. */
@Injectable()
export class TracePackRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Writes packs. A line that is written twice is found once. */
  async insert(packs: readonly TracePack[]): Promise<void> {
    const lines = await Promise.all(packs.map((pack) => compress(pack.text, { level: constants.Z_BEST_SPEED })));
    await this.dataSource.query(INSERT, [packs.map((pack) => pack.receivedS), packs.map(() => newId()), lines]);
  }

  async findById(requestId: string): Promise<RequestTrace | null> {
    const receivedS = receivedSOf(requestId);
    if (receivedS === null) return null;
    const rows: { lines: Buffer }[] = await this.dataSource.query(FIND, [receivedS]);
    for (const row of rows) {
      const json = lineOf((await expand(row.lines)).toString('utf8'), requestId);
      if (json !== null) return JSON.parse(json) as RequestTrace;
    }
    return null;
  }
}
