import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every tier has a rate from the beginning, so that no cost in USD is ever made up. 1,000 credits are one USD. */
export class AddTierRates1764000000200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      insert into tier_rate (tier, version, name, description, usd_per_credit, sort_order) values
        ('economy', 1, 'Economy', 'Fast models for simple, frequent requests.', 1000, 1),
        ('standard', 1, 'Standard', 'Balanced models for everyday work.', 1000, 2),
        ('premium', 1, 'Premium', 'The strongest models for hard requests.', 1000, 3)
    `);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('delete from tier_rate where version = 1');
  }
}
