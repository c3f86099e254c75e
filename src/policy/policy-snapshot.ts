import { Inject, Injectable } from '@nestjs/common';
import { ChangeFeed } from '../platform/changes/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { compilePolicy, type CompiledPolicy } from './domain/compiled-policy.js';
import type { Policy } from './domain/policy.js';
import { PolicyRepository } from './persistence/policy.repository.js';
import { policyUnusable } from './policy.errors.js';

/** All policies in memory, compiled. Reads are applied one after the other, so an older one cannot undo a newer one. */
@Injectable()
export class PolicySnapshot {
  /** `null` marks a policy that cannot be compiled: it allows nothing. */
  private policies = new Map<string, CompiledPolicy | null>();
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly repository: PolicyRepository,
    changes: ChangeFeed,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    changes.register('policy', { reloadAll: () => this.reloadAll(), reload: (ids) => this.reload(ids) });
  }

  /** @throws AppError `unavailable` when the policy is not known here or cannot be applied: then nothing is allowed. */
  get(id: string): CompiledPolicy {
    const policy = this.policies.get(id);
    if (policy === undefined) throw policyUnusable(id, `policy ${id} is not in the snapshot`);
    if (policy === null) throw policyUnusable(id, `policy ${id} holds a rule that cannot be read`);
    return policy;
  }

  private async reloadAll(): Promise<void> {
    return this.oneAtATime(async () => {
      const policies = await this.repository.all();
      this.policies = new Map(policies.map((policy) => [policy.id, this.compiled(policy)]));
    });
  }

  private async reload(ids: readonly string[]): Promise<void> {
    return this.oneAtATime(async () => {
      const policies = await this.repository.byIds(ids);
      for (const id of ids) this.policies.delete(id);
      for (const policy of policies) this.policies.set(policy.id, this.compiled(policy));
    });
  }

  /** One bad row must not keep all others from being read. */
  private compiled(policy: Policy): CompiledPolicy | null {
    try {
      return compilePolicy(policy);
    } catch (error) {
      this.logger.error({ policy_id: policy.id, error: String(error) }, 'a policy cannot be applied');
      return null;
    }
  }

  private async oneAtATime(work: () => Promise<void>): Promise<void> {
    const run = this.running.then(work);
    this.running = run.catch(() => undefined);
    return run;
  }
}
