import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AnalyticsModule } from '../analytics/index.js';
import { AuthModule } from '../auth/index.js';
import { BillingModule } from '../billing/index.js';
import { EventsModule } from '../events/index.js';
import { OperationCatalog } from '../platform/openapi/index.js';
import { PolicyModule } from '../policy/index.js';
import { ProviderModule } from '../provider/index.js';
import { ReconciliationModule } from '../reconciliation/index.js';
import { RouterModule } from '../router/index.js';
import { WalletModule } from '../wallet/index.js';
import { AccountsController } from './accounts/accounts.controller.js';
import { MembersController } from './accounts/members.controller.js';
import { AdminTokensController } from './admin-tokens/admin-tokens.controller.js';
import { ApiKeyAdmin } from './api-keys/api-key.admin.js';
import { ApiKeysController } from './api-keys/api-keys.controller.js';
import { AuditLogController } from './audit/audit-log.controller.js';
import { AuditService } from './audit/audit.service.js';
import { EventsController } from './events/events.controller.js';
import { FreezesController } from './freezes/freezes.controller.js';
import { ResourceTurns } from './http/resource-turns.js';
import { IdempotencyRetention } from './idempotency/idempotency-retention.js';
import { IdempotencyService } from './idempotency/idempotency.service.js';
import { LedgerController } from './ledger/ledger.controller.js';
import { LedgerVerification } from './ledger/ledger-verification.js';
import { EndpointsController } from './models/endpoints.controller.js';
import { ModelsController } from './models/models.controller.js';
import { PricesController } from './models/prices.controller.js';
import { DocsAssets } from './openapi/docs-assets.js';
import { DocsController } from './openapi/docs.controller.js';
import { AdminIdempotencyEntity } from './persistence/admin-idempotency.entity.js';
import { AuditLogEntity } from './persistence/audit-log.entity.js';
import { AuditLogRepository } from './persistence/audit-log.repository.js';
import { WriteJournalRepository } from './persistence/write-journal.repository.js';
import { PoliciesController } from './policies/policies.controller.js';
import { ProvidersController } from './providers/providers.controller.js';
import { StatementsController } from './providers/statements.controller.js';
import { QueuesController } from './queues/queues.controller.js';
import { RouterController } from './router/router.controller.js';
import { RequestExplanationsController } from './requests/requests.controller.js';
import { AccountStatementsController } from './statements/account-statements.controller.js';
import { StatementReader } from './statements/statement-reader.js';
import { TiersController } from './tiers/tiers.controller.js';
import { CorrectionsController } from './usage/corrections.controller.js';
import { UsageController } from './usage/usage.controller.js';
import { WalletsController } from './wallets/wallets.controller.js';
import { WebhooksController } from './webhooks/webhooks.controller.js';

/** The door of operators: one controller a resource, and the API document. */
@Module({
  imports: [
    DiscoveryModule,
    TypeOrmModule.forFeature([AdminIdempotencyEntity, AuditLogEntity]),
    AnalyticsModule,
    AuthModule,
    BillingModule,
    EventsModule,
    PolicyModule,
    ProviderModule,
    ReconciliationModule,
    RouterModule,
    WalletModule,
  ],
  controllers: [
    AdminTokensController,
    AccountsController,
    MembersController,
    WalletsController,
    AccountStatementsController,
    ApiKeysController,
    PoliciesController,
    ProvidersController,
    StatementsController,
    ModelsController,
    EndpointsController,
    PricesController,
    RouterController,
    TiersController,
    FreezesController,
    UsageController,
    CorrectionsController,
    LedgerController,
    QueuesController,
    EventsController,
    WebhooksController,
    AuditLogController,
    RequestExplanationsController,
    DocsController,
  ],
  providers: [
    AuditLogRepository,
    WriteJournalRepository,
    ResourceTurns,
    IdempotencyService,
    IdempotencyRetention,
    AuditService,
    ApiKeyAdmin,
    LedgerVerification,
    StatementReader,
    OperationCatalog,
    DocsAssets,
  ],
})
export class AdminModule {}
