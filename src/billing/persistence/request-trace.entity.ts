import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Stage, StageRecord } from '../domain/trace.js';

@Entity('request_trace')
export class RequestTraceEntity {
  @PrimaryColumn('text', { name: 'request_id' })
  requestId!: string;

  @Column('text', { name: 'client_request_id' })
  clientRequestId!: string;

  @Column('uuid', { name: 'account_id', nullable: true })
  accountId!: string | null;

  @Column('uuid', { name: 'api_key_id', nullable: true })
  apiKeyId!: string | null;

  @Column('integer')
  status!: number;

  @Column('text')
  stage!: Stage;

  @Column('text', { nullable: true })
  model!: string | null;

  @Column('json')
  stages!: readonly StageRecord[];

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
