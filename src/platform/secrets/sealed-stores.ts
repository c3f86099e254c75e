import { Injectable } from '@nestjs/common';
import { SecretBox } from './secret-box.js';

/** A secret as a table holds it. */
export interface SealedRow {
  id: string;
  /** What the secret is bound to. */
  owner: string;
  sealed: string;
}

/** A table with secrets of the `SecretBox`. */
export interface SealedStore {
  /** Shown to operators. */
  name: string;
  /** Rows with a secret in order of their ids, after a given one. */
  page(afterId: string | null, limit: number): Promise<readonly SealedRow[]>;
  /** Puts one sealed text in place of another. @returns whether the row still held that other one. */
  replace(id: string, before: string, after: string): Promise<boolean>;
}

export interface StoreReport {
  store: string;
  /** Rows by number of the secret that seals them now; 0 for texts that name none. */
  byNumber: Readonly<Record<number, number>>;
  /** Rows that were sealed again. */
  resealed: number;
  /** Ids of rows that no configured secret opens; at most 100. */
  unreadable: readonly string[];
  /** How many there are. */
  unreadableCount: number;
}

const PAGE_ROWS = 200;
const UNREADABLE_SHOWN_MAX = 100;

/**
 * Every table that holds sealed secrets, so that all of them can be sealed again with the newest secret. Modules register
 * theirs when they are made.
 */
@Injectable()
export class SealedStores {
  private readonly stores: SealedStore[] = [];

  constructor(private readonly box: SecretBox) {}

  register(store: SealedStore): void {
    this.stores.push(store);
  }

  /**
   * Looks at every stored secret and seals with the newest one what an older one has sealed. Each row is replaced by one
   * statement, only if it has not changed meanwhile: it can be stopped at any moment, run beside gateways and run again.
   * @param write `false` looks only
   */
  async reseal(write: boolean): Promise<StoreReport[]> {
    const reports: StoreReport[] = [];
    for (const store of this.stores.toSorted(byName)) reports.push(await this.resealStore(store, write));
    return reports;
  }

  private async resealStore(store: SealedStore, write: boolean): Promise<StoreReport> {
    const byNumber: Record<number, number> = {};
    const unreadable: string[] = [];
    const report = { store: store.name, byNumber, resealed: 0, unreadable, unreadableCount: 0 };
    for (let rows = await store.page(null, PAGE_ROWS); rows.length > 0;) {
      for (const row of rows) {
        const plain = this.opened(row);
        const isOld = this.box.numberOf(row.sealed) !== this.box.currentNumber;
        const resealed = plain !== null && isOld && write && (await this.replaced(store, row, plain));
        const number = resealed ? this.box.currentNumber : (this.box.numberOf(row.sealed) ?? 0);
        byNumber[number] = (byNumber[number] ?? 0) + 1;
        if (resealed) report.resealed += 1;
        if (plain !== null) continue;
        report.unreadableCount += 1;
        if (unreadable.length < UNREADABLE_SHOWN_MAX) unreadable.push(row.id);
      }
      rows = await store.page(rows.at(-1)?.id ?? null, PAGE_ROWS);
    }
    return report;
  }

  /** Whoever has changed the row meanwhile has sealed it with the newest secret that he knows; the next run looks again. */
  private replaced(store: SealedStore, { id, owner, sealed }: SealedRow, plain: string): Promise<boolean> {
    return store.replace(id, sealed, this.box.seal(plain, owner));
  }

  private opened({ sealed, owner }: SealedRow): string | null {
    try {
      return this.box.open(sealed, owner);
    } catch {
      return null;
    }
  }
}

function byName(one: SealedStore, other: SealedStore): number {
  return one.name.localeCompare(other.name);
}
