import { Injectable } from '@nestjs/common';
import { DataSource, LessThan } from 'typeorm';
import type { RoutingGroup } from '../domain/ballot.js';
import type { RoutingSum } from '../domain/routing-report.js';
import { RoutingSumEntity } from './routing-sum.entity.js';

const ADD = `insert into routing_sum as s (hour, routing_group, measure, label, value)
  select t.hour, t."group", t.measure, t.label, t.value
    from json_to_recordset($1) as t (hour timestamptz, "group" text, measure text, label text, value double precision)
    order by 1, 2, 3, 4
  on conflict (hour, routing_group, measure, label) do update set value = s.value + excluded.value`;

const SUMS = `select routing_group as "group", measure, label, sum(value) as value from routing_sum
  where hour >= $1 and hour < $2 group by 1, 2, 3 order by 1, 2, 3`;

/** A sum that has not been written yet. */
export interface HourSum extends RoutingSum {
  hour: Date;
}

@Injectable()
export class RoutingSumRepository {
  constructor(private readonly dataSource: DataSource) {}

  /** Adds to what is there, in one statement; in the order of the keys, so that two processes never wait for each other in a ring. */
  async add(sums: readonly HourSum[]): Promise<void> {
    await this.dataSource.query(ADD, [JSON.stringify(sums)]);
  }

  /** Sums over whole hours from `from` to before `to`. */
  async between(from: Date, to: Date): Promise<RoutingSum[]> {
    return this.dataSource.query<{ group: RoutingGroup; measure: string; label: string; value: number }[]>(SUMS, [
      from,
      to,
    ]);
  }

  async removeBefore(hour: Date): Promise<void> {
    await this.dataSource.manager.delete(RoutingSumEntity, { hour: LessThan(hour) });
  }
}
