import { Inject, Injectable } from '@nestjs/common';
import { EventLog, type NewEvent } from '../events/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import {
  Counter,
  counterFamily,
  METRICS,
  type CounterSeries,
  type Family,
  type Registry,
} from '../platform/metrics/index.js';
import { formatDecimal } from '../platform/money/index.js';
import { RouterService } from '../router/index.js';
import { SettlementDesk, type ClaimedFreeze, type Queryable } from '../wallet/index.js';
import { mayWarn, warningsOf } from './domain/money-warnings.js';
import { failedItem, settlementItem, UnsettleableOutcome, type SettlementItem } from './domain/settlement.js';
import { SettlementRepository, type SettledRow } from './persistence/settlement.repository.js';

const BATCH_MAX = 250;
const ATTEMPTS_MAX = 10;
const RETRY_FIRST_MS = 250;
const RETRY_MAX_MS = 10_000;
const ERROR_CHARS_MAX = 300;

interface Failure {
  freeze: ClaimedFreeze;
  error: unknown;
}

/** How many freezes a settlement ended, and the outcomes that cannot be settled. */
interface Settled {
  settled: number;
  failures: Failure[];
}

/**
 * Turns captured outcomes into settled freezes and usage records, in batches of one transaction each. Safe to run at any
 * time and in any number of processes: a freeze ends once, a second settlement changes nothing.
 */
@Injectable()
export class SettlementService {
  private readonly settled: Family<CounterSeries>;
  private readonly failures: Counter;

  constructor(
    private readonly desk: SettlementDesk,
    private readonly repository: SettlementRepository,
    private readonly router: RouterService,
    private readonly events: EventLog,
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(METRICS) metrics: Registry,
  ) {
    this.settled = counterFamily({
      name: 'settlement_outcomes_total',
      help: 'Outcomes that were settled, by the status of their usage record.',
      labelNames: ['status'],
      registry: metrics,
    });
    this.failures = new Counter({
      name: 'settlement_failures_total',
      help: 'Tries to settle one outcome that failed, price drift included.',
      registers: [metrics],
    });
  }

  /**
   * Settles until nothing that is due is left.
   * @returns how many outcomes were dealt with here; what another worker settled meanwhile is not among them.
   * @throws when the database is away; nothing is half done then.
   */
  async settlePending(): Promise<number> {
    for (let total = 0; ;) {
      const { claimed, done } = await this.settleBatch();
      total += done;
      if (claimed < BATCH_MAX) return total;
    }
  }

  /**
   * Gives a freeze back by hand, whatever its state allows; an outcome that comes later is a shortfall.
   * @returns `false` when it had ended already or never existed.
   */
  release(accountId: string, freezeId: string): Promise<boolean> {
    return this.repository.release(accountId, freezeId);
  }

  /**
   * Nothing is locked between the claim and the settlement: a wallet that waits for this process would hold up all callers who
   * freeze on it. Another worker may have claimed the same; the one that settles second ends nothing.
   */
  private async settleBatch(): Promise<{ claimed: number; done: number }> {
    const claimed = await this.desk.claimCaptured(BATCH_MAX);
    const { settled, failures } = await this.settleClaimed(claimed).catch((error: unknown) => {
      if (isConnectionError(error)) throw error;
      // One member that the database refuses must not hold up the others.
      return this.settleOneByOne(claimed);
    });
    for (const failure of failures) await this.noteFailure(failure);
    return { claimed: claimed.length, done: settled + failures.length };
  }

  private async settleClaimed(claimed: readonly ClaimedFreeze[], transaction?: Queryable): Promise<Settled> {
    const items: SettlementItem[] = [];
    const failures: Failure[] = [];
    for (const freeze of claimed) {
      try {
        items.push(await this.itemOf(freeze));
      } catch (error) {
        if (!(error instanceof UnsettleableOutcome)) throw error;
        failures.push({ freeze, error });
      }
    }
    if (items.length === 0) return { settled: 0, failures };
    const byId = new Map(claimed.map((freeze) => [freeze.id, freeze]));
    const mayRaise = items.some(({ id, used }) => mayWarn(byId.get(id) as ClaimedFreeze, BigInt(used)));
    const settle = (joined?: Queryable): Promise<SettledRow[]> => this.settleAndWarn(items, byId, joined);
    // An ordinary batch stays one statement.
    const rows =
      mayRaise && transaction === undefined ? await this.repository.transaction(settle) : await settle(transaction);
    this.count(rows);
    return { settled: rows.length, failures };
  }

  private async settleAndWarn(
    items: readonly SettlementItem[],
    claimed: ReadonlyMap<string, ClaimedFreeze>,
    transaction?: Queryable,
  ): Promise<SettledRow[]> {
    const rows = await this.repository.settle(items, transaction);
    const warnings = rows.flatMap(({ id, used, charged, shortfall }) => {
      const freeze = claimed.get(id);
      const amounts = { usedMicros: BigInt(used), chargedMicros: BigInt(charged), shortfallMicros: BigInt(shortfall) };
      return freeze === undefined ? [] : warningsOf(freeze, amounts);
    });
    await this.events.raise(warnings, transaction);
    return rows;
  }

  private async settleOneByOne(claimed: readonly ClaimedFreeze[]): Promise<Settled> {
    const all: Settled = { settled: 0, failures: [] };
    for (const freeze of claimed) {
      try {
        const { settled, failures } = await this.repository.transaction((transaction) =>
          this.settleAgain(freeze, transaction),
        );
        all.settled += settled;
        all.failures.push(...failures);
      } catch (error) {
        if (isConnectionError(error)) throw error;
        all.failures.push({ freeze, error });
      }
    }
    return all;
  }

  private async settleAgain({ accountId, id }: ClaimedFreeze, transaction: Queryable): Promise<Settled> {
    const freeze = await this.desk.claimOne(accountId, id, transaction);
    return freeze === null ? { settled: 0, failures: [] } : this.settleClaimed([freeze], transaction);
  }

  private async itemOf(freeze: ClaimedFreeze): Promise<SettlementItem> {
    const price = await this.router.priceById(freeze.priceId);
    if (price === null) throw new UnsettleableOutcome(`price version ${freeze.priceId} is unknown`);
    return settlementItem(freeze, price);
  }

  /** Spaces the next try; the tenth failure releases the freeze for good. */
  private async noteFailure({ freeze, error }: Failure): Promise<void> {
    const attempts = freeze.attempts + 1;
    this.failures.inc();
    this.logger.error({ request_id: freeze.id, attempts, error: String(error) }, 'an outcome could not be settled');
    const retryInMs = Math.min(RETRY_FIRST_MS * 2 ** attempts, RETRY_MAX_MS);
    await this.desk.noteFailure({
      accountId: freeze.accountId,
      id: freeze.id,
      error: String(error).slice(0, 1_000),
      retryInMs,
      attemptsBefore: freeze.attempts,
    });
    if (attempts < ATTEMPTS_MAX) return;
    await this.repository.transaction(async (transaction) => {
      const rows = await this.repository.settle([failedItem(freeze)], transaction);
      this.count(rows);
      if (rows.length > 0) await this.events.raise([settlementFailed(freeze, attempts, error)], transaction);
    });
  }

  private count(rows: readonly SettledRow[]): void {
    for (const { status } of rows) this.settled.of(status).add();
  }
}

function settlementFailed(
  { accountId, id, tier, amountMicros }: ClaimedFreeze,
  attempts: number,
  error: unknown,
): NewEvent {
  return {
    kind: 'settlement_failed',
    accountId,
    subject: { type: 'request', id },
    data: { tier, released: formatDecimal(amountMicros), attempts, error: String(error).slice(0, ERROR_CHARS_MAX) },
    onceKey: `settlement_failed:${id}`,
  };
}

/** The connection failed or gave way, not this statement: every member would fail the same way now. */
function isConnectionError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? String(error.code) : '';
  return /^(08|40|53|57|E[A-Z])/.test(code) || (code === '' && /connection|timeout/i.test(error.message));
}
