import { Injectable } from '@nestjs/common';
import { KeyService, type ApiKeyRecord, type CreatedKey, type KeyPatch } from '../../auth/index.js';
import { AppError } from '../../platform/errors/index.js';
import { RouterService } from '../../router/index.js';
import type { CreateKey, PatchKey } from './api-keys.schema.js';

/** Writes of API keys: what `auth` decides, and that a fixed model exists, which only `router` knows. */
@Injectable()
export class ApiKeyAdmin {
  constructor(
    private readonly keys: KeyService,
    private readonly router: RouterService,
  ) {}

  /** @throws AppError `unprocessable` naming the field. */
  async create(body: CreateKey): Promise<CreatedKey> {
    this.requireModel(body.fixed_model);
    return this.keys.create({
      ...settingsOf(body),
      name: body.name,
      ownerAccountId: body.owner_account_id,
      billingAccountId: body.billing_account_id,
    });
  }

  /** @throws AppError `not_found`, `conflict` for a revoked key, `unprocessable` naming the field. */
  async patch(id: string, body: PatchKey): Promise<ApiKeyRecord> {
    this.requireModel(body.fixed_model);
    return this.keys.patch(id, { ...settingsOf(body), name: body.name, status: body.status });
  }

  private requireModel(name: string | null | undefined): void {
    if (name === null || name === undefined || this.router.findModel(name) !== null) return;
    throw new AppError('unprocessable', 'fixed_model names no model', {
      code: 'unknown_reference',
      param: 'fixed_model',
    });
  }
}

function settingsOf(body: PatchKey | CreateKey): Omit<KeyPatch, 'name' | 'status'> {
  return {
    tier: body.tier,
    fixedModel: body.fixed_model,
    policyId: body.policy_id,
    limitDailyMicros: body.limit_daily,
    limitWeeklyMicros: body.limit_weekly,
    limitRpm: body.limit_rpm,
    limitConcurrency: body.limit_concurrency,
    expiresAt: body.expires_at,
  };
}
