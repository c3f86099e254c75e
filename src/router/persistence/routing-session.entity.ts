import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** The model of a session of `auto`. A preference: no money depends on it, and a crash of the database may lose it. */
@Entity('routing_session')
export class RoutingSessionEntity {
  /** A hash: what callers write as `user` is not kept. */
  @PrimaryColumn('text')
  session!: string;

  @Column('uuid', { name: 'model_id' })
  modelId!: string;

  @Column('uuid', { name: 'process_id' })
  processId!: string;

  @Index('routing_session_by_version')
  @Column('bigint')
  version!: string;

  @Column('timestamptz', { name: 'noted_at' })
  notedAt!: Date;
}
