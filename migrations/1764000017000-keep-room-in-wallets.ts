import type { MigrationInterface, QueryRunner } from 'typeorm';
import { reword, type Rewording } from '../src/platform/database/reword.js';

/**
 * What is frozen comes back, and what was charged may be given back: a wallet that was filled to the last number could take
 * neither, and its settlements failed for ever. Half of the range is kept free for that.
 */
const ROOM: Rewording = [
  'if available + p_amount < 0 then',
  `if available::numeric + frozen + p_amount > 4000000000000000000 then
    raise numeric_value_out_of_range using message = 'the wallet would hold too much';
  end if;
  if available + p_amount < 0 then`,
];

/** A closed account has nothing, so a correction must not give it something. */
const OPEN: Rewording = [
  'select f.tier, f.api_key_id, f.quota_day into v_freeze',
  `perform 1 from account a where a.id = v_account and a.status <> 'closed' for share;
  if not found then
    result := 'account_closed';
    return;
  end if;
  select f.tier, f.api_key_id, f.quota_day into v_freeze`,
];

export class KeepRoomInWallets1764000017000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await reword(runner, 'wallet_credit', [ROOM]);
    await reword(runner, 'billing_correct', [OPEN]);
  }

  async down(runner: QueryRunner): Promise<void> {
    await reword(runner, 'billing_correct', [[OPEN[1], OPEN[0]]]);
    await reword(runner, 'wallet_credit', [[ROOM[1], ROOM[0]]]);
  }
}
