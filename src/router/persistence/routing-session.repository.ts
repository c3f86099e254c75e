import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';

const SHARE = 'select share_routing_sessions($1, $2, $3)';

const SINCE = `select session, model_id as "modelId", version from routing_session
  where version > $1 and process_id <> $2 and noted_at > now() - $3 * interval '1 millisecond'
  order by version desc limit $4`;

/** What is older, or more than anyone remembers, goes. */
const CLEAN = `delete from routing_session where noted_at < now() - $1 * interval '1 millisecond'
  or version < (select version from routing_session order by version desc offset $2 limit 1)`;

/** A session and its model. */
export interface SessionModel {
  /** Its hash. */
  session: string;
  modelId: string;
}

/** The same as some process has shared it. */
export interface SharedSession extends SessionModel {
  /** Grows with every batch. */
  version: string;
}

@Injectable()
export class RoutingSessionRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Tells the other processes, in one statement; no session twice. */
  async share(processId: string, sessions: readonly SessionModel[]): Promise<void> {
    const column = (name: keyof SessionModel): string[] => sessions.map((one) => one[name]);
    await this.dataSource.query(SHARE, [processId, column('session'), column('modelId')]);
  }

  /** What others have shared after a version, newest first. */
  since(version: string, processId: string, ageMaxMs: number, rowsMax: number): Promise<SharedSession[]> {
    return this.dataSource.query(SINCE, [version, processId, ageMaxMs, rowsMax]);
  }

  async clean(ageMaxMs: number, rowsMax: number): Promise<void> {
    await this.dataSource.query(CLEAN, [ageMaxMs, rowsMax]);
  }
}
