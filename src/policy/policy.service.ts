import { Inject, Injectable } from '@nestjs/common';
import type { ApiKey, AuthenticatedKey } from '../auth/index.js';
import { Clock } from '../platform/clock/index.js';
import { CONFIG, type Config } from '../platform/config/index.js';
import { isUuid, newId } from '../platform/ids/index.js';
import { resolveClientIp } from './domain/client-ip.js';
import type { CompiledPolicy } from './domain/compiled-policy.js';
import { checkAddress, decide, factsOf } from './domain/decide.js';
import { IpSet } from './domain/ip-set.js';
import { checkedPolicyFields, type PolicyInput, type PolicyPatch } from './domain/policy-input.js';
import type { Arrival, ClientIp, PolicyDecision, PolicyRecord, PolicyRequest } from './domain/policy.js';
import { PolicyRepository } from './persistence/policy.repository.js';
import { PolicySnapshot } from './policy-snapshot.js';
import { policyInUse, policyNotFound } from './policy.errors.js';
import { QuotaCheck } from './quota-check.js';

const NO_POLICIES: readonly CompiledPolicy[] = [];

/** What a key may do, and the administration of policies. A write is in force here after `ChangeFeed.catchUp()`. */
@Injectable()
export class PolicyService {
  private readonly trustedProxies: IpSet;
  private readonly defaultModel: string | null;

  /** @throws InvalidIpRuleError when TRUSTED_PROXIES names no address. */
  constructor(
    private readonly snapshot: PolicySnapshot,
    private readonly quota: QuotaCheck,
    private readonly repository: PolicyRepository,
    private readonly clock: Clock,
    @Inject(CONFIG) config: Pick<Config, 'TRUSTED_PROXIES' | 'DEFAULT_MODEL'>,
  ) {
    this.trustedProxies = new IpSet(config.TRUSTED_PROXIES);
    this.defaultModel = config.DEFAULT_MODEL ?? null;
  }

  /** The address that a request comes from; headers count only when the peer is in TRUSTED_PROXIES. */
  clientIpOf({ socket, headers }: Arrival): ClientIp {
    return resolveClientIp(socket.remoteAddress ?? '', headers, this.trustedProxies);
  }

  /**
   * The address rules of a key alone, for routes that call no model.
   * @throws AppError `policy_rejected` (403); `unavailable` (503) when the key's policy is not known here.
   */
  checkAddress(key: AuthenticatedKey, clientIp: ClientIp): void {
    checkAddress(clientIp, this.policiesOf(key), factsOf(key, clientIp));
  }

  /**
   * Address, tiers, fixed model and blacklist, in this order. Answers from memory.
   * @throws AppError `policy_rejected` (403); `unavailable` (503) when the key's policy is not known here.
   */
  decide(request: PolicyRequest): PolicyDecision {
    return decide(request, this.policiesOf(request.key), this.defaultModel);
  }

  /** Those of the key itself and of the accounts that own it and pay for it. */
  private policiesOf({ policyId, accountPolicyIds }: AuthenticatedKey): readonly CompiledPolicy[] {
    const own = policyId === null ? NO_POLICIES : [this.snapshot.get(policyId)];
    if (accountPolicyIds.length === 0) return own;
    return [...own, ...accountPolicyIds.map((id) => this.snapshot.get(id))];
  }

  /** @throws AppError `insufficient_quota` (402) when the daily or weekly quota of the key is used up. */
  async checkQuota(key: ApiKey): Promise<void> {
    await this.quota.check(key);
  }

  /** @throws AppError `unprocessable` naming the field. */
  async create(input: PolicyInput): Promise<PolicyRecord> {
    const now = new Date(this.clock.nowMs());
    const policy: PolicyRecord = {
      ...{ allowedTiers: [], ipAllowlist: [], ipBlocklist: [], modelBlacklist: [], routing: { weights: {}, tags: [] } },
      ...checkedPolicyFields(input),
      id: newId(now.getTime()),
      name: input.name.trim(),
      createdAt: now,
      updatedAt: now,
    };
    await this.repository.insert(policy);
    return policy;
  }

  async find(id: string): Promise<PolicyRecord | null> {
    return isUuid(id) ? this.repository.find(id) : null;
  }

  /** @throws AppError `not_found`. */
  async read(id: string): Promise<PolicyRecord> {
    const policy = await this.find(id);
    if (policy === null) throw policyNotFound();
    return policy;
  }

  /** Newest first. */
  async list(page: { limit: number; cursor: string | null }): Promise<{
    items: readonly PolicyRecord[];
    nextCursor: string | null;
  }> {
    if (page.cursor !== null && !isUuid(page.cursor)) return { items: [], nextCursor: null };
    const rows = await this.repository.list(page.limit, page.cursor);
    const items = rows.slice(0, page.limit);
    return { items, nextCursor: rows.length > page.limit ? (items.at(-1)?.id ?? null) : null };
  }

  /** @throws AppError `not_found`, `unprocessable` naming the field. */
  async patch(id: string, patch: PolicyPatch): Promise<PolicyRecord> {
    const changes = { ...checkedPolicyFields(patch), updatedAt: new Date(this.clock.nowMs()) };
    const found = isUuid(id) && (await this.repository.update(id, changes));
    if (!found) throw policyNotFound();
    return this.read(id);
  }

  /** @throws AppError `not_found`; `conflict` while keys use the policy. */
  async remove(id: string): Promise<void> {
    const removal = isUuid(id) ? await this.repository.remove(id) : 'absent';
    if (removal === 'absent') throw policyNotFound();
    if (removal === 'in_use') throw policyInUse();
  }
}
