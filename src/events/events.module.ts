import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventLog } from './event-log.js';
import { Courier } from './jobs/courier.js';
import { EventRetention } from './jobs/event-retention.js';
import { DeliveryRepository } from './persistence/delivery.repository.js';
import { EventEntity } from './persistence/event.entity.js';
import { EventRepository } from './persistence/event.repository.js';
import { WebhookDeliveryEntity, WebhookEntity, WebhookSecretEntity } from './persistence/webhook.entity.js';
import { WebhookRepository } from './persistence/webhook.repository.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookSender } from './webhook-sender.js';
import { WebhookService } from './webhook.service.js';

/** What operators hear of, and how it reaches them. */
@Module({
  imports: [TypeOrmModule.forFeature([EventEntity, WebhookEntity, WebhookSecretEntity, WebhookDeliveryEntity])],
  providers: [
    Courier,
    DeliveryRepository,
    EventLog,
    EventRepository,
    EventRetention,
    WebhookRepository,
    WebhookSecrets,
    WebhookSender,
    WebhookService,
  ],
  exports: [EventLog, WebhookService],
})
export class EventsModule {}
