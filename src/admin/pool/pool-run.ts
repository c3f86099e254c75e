import { AppError } from '../../platform/errors/index.js';
import { newId } from '../../platform/ids/index.js';
import { maskSecrets } from '../audit/mask.js';
import type { Written } from '../http/written.js';
import type { WriteJournalRepository } from '../persistence/write-journal.repository.js';
import type { FieldChange } from './differences.js';
import type { ReadPool } from './pool-file.js';
import { PoolRefusedError, type Path, type PoolFault, type Place } from './pool-places.js';

export interface PoolOptions {
  /** Disables what the file does not mention. */
  prune: boolean;
  /** Takes new prices that are more than ten times, or less than a tenth of, those before. */
  allowPriceJumps: boolean;
}

export interface PoolChange {
  action: 'create' | 'change' | 'disable' | 'cancel';
  resource: 'provider' | 'model' | 'endpoint' | 'price' | 'policy';
  /** For people, e.g. `gpt-4.1 at openai/gpt-4.1`. */
  name: string;
  fields: readonly FieldChange[];
}

/** Something that was not done as the file may have meant it, and why. */
export interface PoolNote extends Place {
  path: string;
  message: string;
}

const ACTOR = 'pool:apply';

/** One comparison of a file with the pool: what it changes, what it remarks, and what it must refuse. */
export class PoolRun {
  readonly changes: PoolChange[] = [];
  readonly notes: PoolNote[] = [];
  /** Variables that all providers of the file wait for: none of them can be called. */
  missingKeys: readonly string[] = [];
  private readonly faults: PoolFault[] = [];

  constructor(
    readonly pool: ReadPool,
    readonly options: PoolOptions,
    readonly nowMs: number,
    private readonly journal: WriteJournalRepository,
  ) {}

  note(path: Path, message: string): void {
    this.notes.push(this.pool.places.fault(path, message));
  }

  refuse(path: Path, message: string): void {
    this.faults.push(this.pool.places.fault(path, message));
  }

  /**
   * Makes a change through an operation of the administration, and writes the audit row in the same transaction.
   * @param path of what the file says about it; an operation that refuses a field is a fault of that field
   * @param provenance what the audit log is told beside the view
   * @returns the view after the change; `null` when it was refused
   */
  async make<View>(
    path: Path,
    change: PoolChange,
    operation: () => Promise<Written<View>>,
    provenance: Record<string, unknown> = {},
  ): Promise<View | null> {
    try {
      const { body, change: written } = await operation();
      this.changes.push(change);
      const after = written.after === null ? null : { ...(written.after as object), ...provenance };
      await this.journal.record(
        {
          id: newId(),
          actorId: null,
          actor: ACTOR,
          action: `${change.resource}.${change.action}`,
          resource: written.resource,
          resourceId: written.resourceId,
          before: maskSecrets(written.before),
          after: maskSecrets(after),
          requestId: null,
        },
        null,
      );
      return body;
    } catch (error) {
      if (!(error instanceof AppError) || (error.kind !== 'unprocessable' && error.kind !== 'conflict')) throw error;
      this.refuse(error.param === undefined ? path : [...path, error.param], error.message);
      // A statement that the database has refused ends the transaction: nothing more can be found out in it.
      if (error.kind === 'conflict') this.assertSound();
      return null;
    }
  }

  /** @throws PoolRefusedError when anything was refused. */
  assertSound(): void {
    if (this.faults.length > 0) throw new PoolRefusedError(this.pool.name, this.faults);
  }
}
