import { Column, Entity, PrimaryColumn } from 'typeorm';

/** Why an endpoint is left alone: its breaker is open, or it is at its limit. */
export type OutageKind = 'breaker' | 'limit';

@Entity('endpoint_outage')
export class EndpointOutageEntity {
  @PrimaryColumn('uuid', { name: 'endpoint_id' })
  endpointId!: string;

  @PrimaryColumn('text')
  kind!: OutageKind;

  @Column('text')
  place!: string;

  @Column('text')
  reason!: string;

  /** Hash of the only caller that the breaker keeps away; `null` when it keeps all away, and for limits. */
  @Column('text', { nullable: true })
  caller!: string | null;

  /** The process that saw it. */
  @Column('uuid', { name: 'process_id' })
  processId!: string;

  @Column('timestamptz')
  until!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
