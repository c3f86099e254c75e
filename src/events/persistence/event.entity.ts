import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { EventKind, Severity } from '../domain/event.js';

@Entity('event')
export class EventEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  kind!: EventKind;

  @Column('text')
  severity!: Severity;

  @Column('uuid', { name: 'account_id', nullable: true })
  accountId!: string | null;

  @Column('text', { name: 'subject_type' })
  subjectType!: string;

  @Column('text', { name: 'subject_id' })
  subjectId!: string;

  @Column('jsonb')
  data!: Record<string, unknown>;

  @Column('text', { name: 'once_key', unique: true, nullable: true })
  onceKey!: string | null;

  @Column('timestamptz', { name: 'created_at' })
  createdAt!: Date;
}
