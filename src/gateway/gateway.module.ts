import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AuthModule } from '../auth/index.js';
import { BillingModule } from '../billing/index.js';
import { PolicyModule } from '../policy/index.js';
import { ProviderModule } from '../provider/index.js';
import { RouterModule } from '../router/index.js';
import { WalletModule } from '../wallet/index.js';
import type { ErrorDoor } from '../platform/errors/index.js';
import { CatalogModule } from './catalog/index.js';
import { ERROR_DOORS, ErrorFilter } from './errors/error.filter.js';
import { AnswerPayment } from './openai/answer-payment.js';
import { ChatController } from './openai/chat.controller.js';
import { JsonDelivery } from './openai/json-delivery.js';
import { OutcomeRecorder } from './openai/outcome-recorder.js';
import { OwnAccountController } from './openai/own-account.controller.js';
import { RoutingFeedback } from './openai/routing-feedback.js';
import { ReceiptsController } from './openai/receipts.controller.js';
import { RequestsController } from './openai/requests.controller.js';
import { SigningKeysController } from './openai/signing-keys.controller.js';
import { StreamRelay } from './openai/stream-relay.js';
import { UsageEstimator } from './openai/usage-estimator.js';
import { BodyReader } from './pipeline/body-reader.js';
import { FreezePlanner } from './pipeline/freeze-planner.js';
import { LargerModel } from './pipeline/larger-model.js';
import { PIPELINE_GUARDS, PIPELINE_INTERCEPTORS } from './pipeline/pipeline.js';
import { ProviderCall } from './pipeline/provider-call.js';
import { RequestMetrics } from './pipeline/request-metrics.js';
import { RequestJournal } from './pipeline/request-journal.js';
import { RoutePlanner } from './pipeline/route-planner.js';
import { RunningCalls } from './pipeline/running-calls.js';
import { WalletRefusals } from './pipeline/wallet-refusals.js';
import { RequestTracing } from './pipeline/request-tracing.js';
import { RouteTable } from './route-table.js';

/** Door 1: model calls and the catalogue, for API consumers. */
@Module({
  imports: [CatalogModule, AuthModule, PolicyModule, RouterModule, WalletModule, ProviderModule, BillingModule],
  controllers: [ChatController, OwnAccountController, ReceiptsController, RequestsController, SigningKeysController],
  providers: [
    ...PIPELINE_GUARDS,
    ...PIPELINE_INTERCEPTORS,
    { provide: BodyReader, useFactory: () => new BodyReader() },
    AnswerPayment,
    FreezePlanner,
    JsonDelivery,
    LargerModel,
    OutcomeRecorder,
    RoutingFeedback,
    ProviderCall,
    RequestJournal,
    RequestMetrics,
    RequestTracing,
    RoutePlanner,
    RouteTable,
    RunningCalls,
    StreamRelay,
    UsageEstimator,
    WalletRefusals,
    ErrorFilter,
    { provide: APP_FILTER, useExisting: ErrorFilter },
  ],
  exports: [RouteTable, RunningCalls],
})
export class GatewayModule {
  /** @param doors how each door writes errors; the one for `/` is the last resort. */
  static register(doors: readonly ErrorDoor[]): DynamicModule {
    return { module: GatewayModule, providers: [{ provide: ERROR_DOORS, useValue: doors }] };
  }
}
