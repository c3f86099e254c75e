import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Every tier has a rate from the beginning, so that no cost in USD is ever made up: 2000, 1000 and 400 credits for a
 * dollar, until an operator says otherwise.
 */
export class AddTierRates1764000000200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      insert into tier_rate (tier, version, name, description, usd_per_credit, sort_order) values
        ('economy', 1, 'Economy', 'Small, fast models for everyday text.', 500, 1),
        ('standard', 1, 'Standard', 'Balanced models for most applications.', 1000, 2),
        ('premium', 1, 'Premium', 'The strongest models for hard problems.', 2500, 3)
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('delete from tier_rate where version = 1');
  }
}
