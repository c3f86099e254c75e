import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { RoutingGroup } from '../domain/ballot.js';

/** One sum of the requests of an hour and a group. Statistics: no money depends on them. */
@Entity('routing_sum')
export class RoutingSumEntity {
  @PrimaryColumn('timestamptz')
  hour!: Date;

  @PrimaryColumn('text', { name: 'routing_group' })
  group!: RoutingGroup;

  @PrimaryColumn('text')
  measure!: string;

  @PrimaryColumn('text')
  label!: string;

  @Column('double precision')
  value!: number;
}
