import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Where a time falls in a wallet's sequence, by bisection of its primary key: an index of the ledger by time would cost every
 * request a write. Rows are nearly in order of time: a row has the time at which its transaction began, which may have waited
 * for the wallet meanwhile. Whoever asks allows for that, and looks at the rows around.
 */
export class FindLedgerRowsByTime1764000011000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`create function ledger_seq_at(p_account uuid, p_tier text, p_at timestamptz) returns bigint
      language plpgsql stable set enable_seqscan = off set jit = off set plan_cache_mode = force_generic_plan as $$
      declare
        v_low bigint := 1;
        v_high bigint;
        v_middle bigint;
        v_row record;
      begin
        select coalesce(max(e.seq), 0) + 1 into v_high from ledger_entry e where e.account_id = p_account and e.tier = p_tier;
        while v_low < v_high loop
          v_middle := (v_low + v_high) / 2;
          select e.seq, e.created_at into v_row from ledger_entry e
            where e.account_id = p_account and e.tier = p_tier and e.seq >= v_middle order by e.seq limit 1;
          if v_row.created_at < p_at then
            v_low := v_row.seq + 1;
          else
            v_high := v_middle;
          end if;
        end loop;
        return v_low;
      end $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function ledger_seq_at(uuid, text, timestamptz)');
  }
}
