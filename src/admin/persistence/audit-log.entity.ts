import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

/** One administrative write: who, what, and the resource before and after, secrets masked. */
@Entity({ name: 'audit_log' })
@Index('audit_log_resource', ['resource', 'resourceId', 'id'])
@Index('audit_log_actor', ['actorId', 'id'])
@Index('audit_log_action', ['action', 'id'])
export class AuditLogEntity {
  @PrimaryColumn({ type: 'uuid' })
  id!: string;

  @Column({ name: 'actor_id', type: 'uuid', nullable: true })
  actorId!: string | null;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text' })
  action!: string;

  @Column({ type: 'text' })
  resource!: string;

  @Column({ name: 'resource_id', type: 'text' })
  resourceId!: string;

  @Column({ type: 'jsonb', nullable: true })
  before!: unknown;

  @Column({ type: 'jsonb', nullable: true })
  after!: unknown;

  /** The gateway's id of the request that made the change. */
  @Column({ name: 'request_id', type: 'text', nullable: true })
  requestId!: string | null;

  @Column({ name: 'created_at', type: 'timestamptz', default: () => 'now()' })
  createdAt!: Date;
}
