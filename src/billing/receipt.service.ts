import { Injectable } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { AppError } from '../platform/errors/index.js';
import { SigningKeys } from '../platform/signing/index.js';
import { RouterService } from '../router/index.js';
import { WalletService } from '../wallet/index.js';
import { buildReceipt, type ReceiptEvidence } from './domain/receipt-builder.js';
import { receiptBytes, requestIdOfReceipt, type Receipt } from './domain/receipt.js';
import { UsageRepository } from './persistence/usage.repository.js';

/** Signed receipts of requests. */
@Injectable()
export class ReceiptService {
  constructor(
    private readonly usage: UsageRepository,
    private readonly wallets: WalletService,
    private readonly router: RouterService,
    private readonly keys: SigningKeys,
    private readonly clock: Clock,
  ) {}

  /**
   * The receipt of a request of this account, by the id of either. Signed now, unless the request is pending.
   * @throws AppError `not_found` when the account has no such request.
   */
  async read(accountId: string, id: string): Promise<Receipt> {
    const requestId = requestIdOfReceipt(id);
    const evidence = requestId === null ? null : await this.evidence(accountId, requestId);
    if (evidence === null) {
      throw new AppError('not_found', 'no such receipt', {
        code: 'receipt_not_found',
        hint: 'Use metadata.billing.receipt of the answer, with a key of the account that paid.',
      });
    }
    const receipt = buildReceipt(evidence, new Date(this.clock.nowMs()));
    return receipt.status === 'pending' ? receipt : this.signed(receipt);
  }

  private signed(receipt: Receipt): Receipt {
    const { keyId, signature } = this.keys.sign(receiptBytes(receipt));
    return {
      ...receipt,
      signature: { algorithm: 'Ed25519', key_id: keyId, value: signature.toString('base64url') },
    };
  }

  private async evidence(accountId: string, requestId: string): Promise<ReceiptEvidence | null> {
    // Before the record: a freeze that has ended has one.
    const before = await this.wallets.findFreeze(accountId, requestId);
    if (before === null) return null;
    const usage = await this.usage.findById(requestId);
    if (usage === null && before.endedAt !== null) throw new Error(`the usage record of ${requestId} is missing`);
    // And again after it, for the freeze as it was when it ended.
    const freeze = usage === null ? before : ((await this.wallets.findFreeze(accountId, requestId)) ?? before);
    const price = await this.router.priceById(usage?.priceId ?? freeze.priceId);
    if (price === null) throw new Error(`the price version of ${requestId} is unknown`);
    return { freeze, usage, price, entries: await this.wallets.entriesOf(freeze, usage?.corrections ?? 0) };
  }
}
