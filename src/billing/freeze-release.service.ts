import { Injectable } from '@nestjs/common';
import { AppError } from '../platform/errors/index.js';
import { WalletService, type Freeze } from '../wallet/index.js';
import { SettlementRepository } from './persistence/settlement.repository.js';
import { UsageService } from './usage.service.js';

/** Gives reserved credits back by hand, when a request hangs and its process lives on. */
@Injectable()
export class FreezeReleaseService {
  constructor(
    private readonly wallets: WalletService,
    private readonly usage: UsageService,
    private readonly settlements: SettlementRepository,
  ) {}

  /**
   * Ends a held freeze without a charge; the request may go on, and its outcome is then a shortfall.
   * @throws AppError `not_found`; `conflict` when it has ended, or when an outcome is captured, which will be settled.
   */
  async release(freezeId: string): Promise<{ before: Freeze; after: Freeze }> {
    const before = await this.findOpen(freezeId);
    if (before.state === 'captured') throw freezeCaptured();
    const { accountId } = before;
    const isReleased = await this.settlements.transaction(
      async (transaction) =>
        (await this.settlements.lockHeld(accountId, freezeId, transaction)) &&
        (await this.settlements.release(accountId, freezeId, transaction)),
    );
    const after = await this.wallets.findFreeze(accountId, freezeId);
    if (after === null) throw freezeNotFound();
    if (isReleased) return { before, after };
    throw after.state === 'captured' ? freezeCaptured() : freezeEnded(after.state);
  }

  private async findOpen(freezeId: string): Promise<Freeze> {
    const { items } = await this.wallets.listFreezes({ requestId: freezeId }, { limit: 1, cursor: null });
    const found = items.find(({ id }) => id === freezeId);
    if (found !== undefined) return found;
    const record = await this.usage.find(freezeId);
    throw record === null ? freezeNotFound() : freezeEnded(record.status);
  }
}

function freezeNotFound(): AppError {
  return new AppError('not_found', 'there is no such freeze', { code: 'freeze_not_found' });
}

function freezeEnded(state: string): AppError {
  return new AppError('conflict', `the freeze has ended already: ${state}`, { code: 'freeze_ended' });
}

function freezeCaptured(): AppError {
  return new AppError('conflict', 'the outcome of the request is captured and will be settled', {
    code: 'freeze_captured',
    hint: 'Correct the request after its settlement: POST /admin/v1/usage/{request_id}/corrections.',
  });
}
