import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A policy says how `auto` weighs. And sums of what became of the requests of `auto`, by hour and group, so that the router can be
 * compared with its control group without reading traces: statistics, no money depends on them.
 */
export class RoutingPreferences1764000008500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      alter table policy add column routing jsonb not null default '{"weights": {}, "tags": []}';
      create table routing_sum (
        hour timestamptz not null,
        routing_group text not null check (routing_group in ('router', 'control')),
        measure text not null,
        label text not null,
        value double precision not null,
        primary key (hour, routing_group, measure, label)
      );
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table routing_sum; alter table policy drop column routing;');
  }
}
