import { Injectable } from '@nestjs/common';
import { checkedPolicyFields } from '../../policy/index.js';
import { AppError } from '../../platform/errors/index.js';
import { PoliciesController } from '../policies/policies.controller.js';
import { policyFields, type PolicyView } from '../policies/policies.schema.js';
import { fieldChanges, newFields, onlyChanged } from './differences.js';
import { everyPage } from './every-page.js';
import type { PolicyEntry } from './pool-file.schema.js';
import type { PoolRun } from './pool-run.js';

/** Policies as a pool file declares them. What it does not mention stays: keys may depend on it. */
@Injectable()
export class PoolPolicies {
  constructor(private readonly operations: PoliciesController) {}

  async apply(run: PoolRun): Promise<void> {
    const declared = run.pool.file.policies ?? [];
    const known = declared.length === 0 ? [] : await everyPage((query) => this.operations.list(query));
    for (const [at, entry] of declared.entries()) {
      const namesakes = known.filter(({ name }) => name === entry.name);
      if (namesakes.length > 1) run.refuse(['policies', at, 'name'], 'several policies have this name');
      else await this.policy(run, at, entry, namesakes[0]);
    }
  }

  private async policy(run: PoolRun, at: number, entry: PolicyEntry, known: PolicyView | undefined): Promise<void> {
    const path = ['policies', at];
    const { name } = entry;
    if (known === undefined) {
      const change = { action: 'create', resource: 'policy', name, fields: newFields(entry) } as const;
      await run.make(path, change, () => this.operations.create(entry));
      return;
    }
    const fields = fieldChanges(asStored(entry), known);
    if (fields.length === 0) return;
    const change = { action: 'change', resource: 'policy', name, fields } as const;
    await run.make(path, change, () => this.operations.patch(known.id, onlyChanged(entry, fields)));
  }
}

/** Lists lose their duplicates and tiers get their order when they are stored; what cannot be stored is refused later. */
function asStored(entry: PolicyEntry): PolicyEntry {
  try {
    const { allowedTiers, ipAllowlist, ipBlocklist, modelBlacklist } = checkedPolicyFields(policyFields(entry));
    return {
      ...entry,
      ...(allowedTiers === undefined ? {} : { allowed_tiers: [...allowedTiers] }),
      ...(ipAllowlist === undefined ? {} : { ip_allowlist: [...ipAllowlist] }),
      ...(ipBlocklist === undefined ? {} : { ip_blocklist: [...ipBlocklist] }),
      ...(modelBlacklist === undefined ? {} : { model_blacklist: [...modelBlacklist] }),
    };
  } catch (error) {
    if (error instanceof AppError) return entry;
    throw error;
  }
}
