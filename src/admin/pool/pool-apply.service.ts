import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../../platform/changes/index.js';
import { Clock } from '../../platform/clock/index.js';
import { UnitOfWork } from '../../platform/database/index.js';
import { PoolLockRepository } from '../persistence/pool-lock.repository.js';
import { WriteJournalRepository } from '../persistence/write-journal.repository.js';
import { readPool, type Environment } from './pool-file.js';
import { PoolRun, type PoolChange, type PoolNote, type PoolOptions } from './pool-run.js';
import { PoolSteps } from './pool-steps.js';

export interface PoolRequest {
  /** Of the file, as it is shown. */
  name: string;
  text: string;
  /** Where its references are looked up. */
  environment: Environment;
  options: PoolOptions;
  /** Finds out what it would change, and changes nothing. */
  dryRun: boolean;
  /** Changes nothing while all providers of the file wait for a key: the pool could not be called. */
  needsKey?: boolean;
}

export interface PoolReport {
  file: string;
  /** In the order in which they were made. */
  changes: readonly PoolChange[];
  notes: readonly PoolNote[];
  isApplied: boolean;
  /** Why nothing was applied: variables of which none is set, and no key was stored. */
  missingKeys: readonly string[];
  /** Names of the providers that the file declares. */
  providers: readonly string[];
}

/** Several files are applied one after the other, whoever does it. */
const LOCK_NAME = 'pool:apply';

/** Ends the transaction of a run that changes nothing. */
class DryRunEnded extends Error {
  constructor(readonly run: PoolRun) {
    super('dry run');
  }
}

/**
 * Makes the pool what a file says, through the operations of the administration: their rules are the file's rules. One
 * transaction holds all of it with its audit rows. A dry run does the very same and takes it back.
 */
@Injectable()
export class PoolApply {
  constructor(
    private readonly units: UnitOfWork,
    private readonly locks: PoolLockRepository,
    private readonly journal: WriteJournalRepository,
    private readonly changes: ChangeFeed,
    private readonly clock: Clock,
    private readonly steps: PoolSteps,
  ) {}

  /** @throws PoolRefusedError with every fault of the file and its line; nothing is changed then. */
  async apply(request: PoolRequest): Promise<PoolReport> {
    const nowMs = this.clock.nowMs();
    const pool = readPool(request.name, request.text, request.environment, nowMs);
    let isApplied = true;
    const run = new PoolRun(pool, request.options, nowMs, this.journal);
    try {
      await this.units.run(LOCK_NAME, async () => {
        await this.locks.lock();
        await this.steps.take(run);
        run.assertSound();
        if (request.dryRun || (request.needsKey === true && run.missingKeys.length > 0)) throw new DryRunEnded(run);
      });
      await this.changes.catchUp();
    } catch (error) {
      if (!(error instanceof DryRunEnded) || error.run !== run) throw error;
      isApplied = false;
    }
    const { changes, notes, missingKeys } = run;
    const providers = (pool.file.providers ?? []).map(({ name }) => name);
    return { file: request.name, changes, notes, isApplied, missingKeys: isApplied ? [] : missingKeys, providers };
  }
}
