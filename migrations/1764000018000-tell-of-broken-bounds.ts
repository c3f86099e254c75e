import type { MigrationInterface, QueryRunner } from 'typeorm';

const KINDS = ['low_balance', 'key_disabled', 'breaker_open', 'drift_found', 'settlement_failed'];
const ADDED = ['shortfall', 'implausible_usage', 'maximum_exceeded'];

/** Operators hear of shortfalls, of counts that cannot be true, and of providers that do not keep to a maximum. */
export class TellOfBrokenBounds1764000018000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await allow(runner, [...KINDS, ...ADDED]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`delete from event where kind in (${listOf(ADDED)})`);
    await allow(runner, KINDS);
  }
}

async function allow(runner: QueryRunner, kinds: readonly string[]): Promise<void> {
  await runner.query(`alter table event drop constraint event_kind_check,
    add constraint event_kind_check check (kind in (${listOf(kinds)}))`);
}

function listOf(kinds: readonly string[]): string {
  return kinds.map((kind) => `'${kind}'`).join(', ');
}
