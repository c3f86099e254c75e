import { promisify } from 'node:util';
import { constants, deflateRaw, inflateRaw } from 'node:zlib';
import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { newId, requestIdTimeMs } from '../../platform/ids/index.js';
import type { RequestTrace } from '../domain/trace.js';

const INSERT = `insert into trace_pack (received_s, pack_id, lines)
  select * from unnest($1::bigint[], $2::uuid[], $3::bytea[])`;
const FIND = 'select lines from trace_pack where received_s = $1';

/** A pack is read whole to find one of its lines. */
const PACK_LINES_MAX = 500;

const compress = promisify(deflateRaw);
const expand = promisify(inflateRaw);

/** One served request as it is packed. */
export interface PackedTrace {
  requestId: string;
  /** JSON text of the `RequestTrace`. */
  json: string;
}

/** Traces of served requests: compressed lines, one row for those that were received in one second. */
@Injectable()
export class TracePackRepository {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  /** Writes traces. One that is written twice is found once. */
  async insert(traces: readonly PackedTrace[]): Promise<void> {
    const packs = packsOf(traces);
    const lines = await Promise.all(packs.map((pack) => compress(pack.text, { level: constants.Z_BEST_SPEED })));
    await this.dataSource.query(INSERT, [packs.map((pack) => pack.receivedS), packs.map(() => newId()), lines]);
  }

  async findById(requestId: string): Promise<RequestTrace | null> {
    const receivedS = secondOf(requestId);
    if (receivedS === null) return null;
    const rows: { lines: Buffer }[] = await this.dataSource.query(FIND, [receivedS]);
    for (const row of rows) {
      const json = lineOf((await expand(row.lines)).toString('utf8'), requestId);
      if (json !== null) return JSON.parse(json) as RequestTrace;
    }
    return null;
  }
}

/** Each line is a line break, the id, a space and the JSON text, which holds no line break itself. */
function packsOf(traces: readonly PackedTrace[]): { receivedS: number; text: string }[] {
  const open = new Map<number, { lines: string[] }>();
  const packs: { receivedS: number; lines: string[] }[] = [];
  for (const { requestId, json } of traces) {
    const receivedS = secondOf(requestId) ?? 0;
    let pack = open.get(receivedS);
    if (pack === undefined || pack.lines.length >= PACK_LINES_MAX) {
      const next = { receivedS, lines: [] };
      open.set(receivedS, (pack = next));
      packs.push(next);
    }
    pack.lines.push(`\n${requestId} ${json}`);
  }
  return packs.map(({ receivedS, lines }) => ({ receivedS, text: lines.join('') }));
}

function lineOf(text: string, requestId: string): string | null {
  const head = `\n${requestId} `;
  const at = text.indexOf(head);
  if (at < 0) return null;
  const end = text.indexOf('\n', at + head.length);
  return text.slice(at + head.length, end < 0 ? undefined : end);
}

function secondOf(requestId: string): number | null {
  const timeMs = requestIdTimeMs(requestId);
  return timeMs === null ? null : Math.floor(timeMs / 1000);
}
