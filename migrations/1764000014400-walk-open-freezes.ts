import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Freezes that ended stay in the index of open ones until it is vacuumed, or until an index scan finds and marks them. A bitmap
 * scan marks nothing; once the planner took that, which it does when the table has grown since it was last vacuumed, each claim
 * looked at every freeze that had ended since then.
 */
const READ_OPEN_FREEZES = [
  'wallet_claim(integer)',
  'wallet_oldest_due()',
  'billing_expire_dead(integer, interval)',
  'wallet_quota_reserve(uuid, uuid, date, bigint, bigint, bigint, integer, integer)',
  'wallet_freeze_many(uuid, jsonb)',
];

export class WalkOpenFreezes1764000014400 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const name of READ_OPEN_FREEZES) await runner.query(`alter function ${name} set enable_bitmapscan = off`);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const name of READ_OPEN_FREEZES) await runner.query(`alter function ${name} reset enable_bitmapscan`);
  }
}
