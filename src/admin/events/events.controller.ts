import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { EventLog } from '../../events/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, Written } from '../http/written.js';
import {
  eventQuerySchema,
  eventSchema,
  eventView,
  eventWithDeliveriesSchema,
  eventWithDeliveriesView,
  redeliverSchema,
  type EventQuery,
  type EventView,
  type EventWithDeliveriesView,
  type Redeliver,
} from './events.schema.js';

const TAG = 'Events';
const RESOURCE = 'event';

@AdminController('events')
export class EventsController {
  constructor(private readonly events: EventLog) {}

  @Get()
  @AdminOperation({
    summary: 'List events, newest first',
    tag: TAG,
    query: eventQuerySchema,
    response: pageOf(eventSchema),
  })
  async list(@Query() query: EventQuery): Promise<Page<EventView>> {
    const { kind, account_id: accountId, from, to } = query;
    return pageView(await this.events.list({ kind, accountId, from, to }, pageRequest(query)), eventView);
  }

  @Get(':id')
  @AdminOperation({
    summary: 'Read an event and what became of its deliveries',
    tag: TAG,
    response: eventWithDeliveriesSchema,
  })
  async read(@Param('id') id: string): Promise<EventWithDeliveriesView> {
    return eventWithDeliveriesView(await this.events.read(id));
  }

  @Post(':id/redeliver')
  @AdminOperation({
    summary: 'Deliver an event again',
    description: 'From the first attempt, with the same `webhook-id`. A worker sends it within about a second.',
    tag: TAG,
    body: redeliverSchema,
    response: eventWithDeliveriesSchema,
    write: { action: 'event.redeliver' },
  })
  async redeliver(@Param('id') id: string, @Body() body: Redeliver): Promise<Written<EventWithDeliveriesView>> {
    const before = eventWithDeliveriesView(await this.events.read(id));
    const after = eventWithDeliveriesView(await this.events.redeliver(id, body?.webhook_id ?? null));
    return changed(RESOURCE, { deliveries: before.deliveries }, after);
  }
}
