import { Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AuthenticatedKey } from '../../auth/index.js';
import { AppError } from '../../platform/errors/index.js';
import { PolicyService, type PolicyDecision } from '../../policy/index.js';
import { AUTO_MODEL, RouterService, type ModelRecord } from '../../router/index.js';
import { CatalogService } from './catalog.service.js';

export interface CallableModels {
  /** Whether `auto` has anything to choose from. */
  auto: boolean;
  /** By tier and model_key. */
  models: readonly ModelRecord[];
  updatedAt: Date;
}

/** Which models a key may name in a call: what policy and key leave of the enabled ones. */
@Injectable()
export class CallableModelsFinder {
  constructor(
    private readonly catalog: CatalogService,
    private readonly policies: PolicyService,
    private readonly router: RouterService,
  ) {}

  /** @throws AppError `unavailable` while the catalogue is down. */
  find(key: AuthenticatedKey, request: FastifyRequest): CallableModels {
    const { models, updatedAt } = this.catalog.current();
    const decision = this.decide(key, request);
    if (decision === null) return { auto: false, models: [], updatedAt };
    const callable = models.filter(
      (model) =>
        decision.allowedTiers.includes(model.tier) &&
        !decision.isBlacklisted(model) &&
        (!decision.concrete || isNamed(model, decision.model)),
    );
    const auto = decision.concrete ? callable.length > 0 : this.router.hasCandidate(decision);
    return { auto, models: callable, updatedAt };
  }

  /** What policy says to `auto`; `null` when the key may call nothing at all. */
  private decide(key: AuthenticatedKey, request: FastifyRequest): PolicyDecision | null {
    try {
      return this.policies.decide({
        key,
        clientIp: this.policies.clientIpOf(request),
        requestedTier: null,
        requestedModel: AUTO_MODEL,
        findModel: (nameOrId) => this.router.findModel(nameOrId),
      });
    } catch (error) {
      if (error instanceof AppError && error.kind === 'policy_rejected') return null;
      throw error;
    }
  }
}

function isNamed(model: ModelRecord, nameOrId: string): boolean {
  return model.modelKey === nameOrId || model.id === nameOrId;
}
