import { Module } from '@nestjs/common';
import { EventsModule } from '../events/index.js';
import { KeyExpiryWatch } from './jobs/key-expiry-watch.js';
import { KeyExpiryRepository } from './persistence/key-expiry.repository.js';

/** The watch over the ends of keys; workers have it without the rest of this module. */
@Module({
  imports: [EventsModule],
  providers: [KeyExpiryRepository, KeyExpiryWatch],
})
export class KeyExpiryModule {}
