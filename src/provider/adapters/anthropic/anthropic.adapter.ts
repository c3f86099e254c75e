import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock/index.js';
import { UpstreamPools } from '../../transport/upstream-pools.js';
import { TranslatedAdapter } from '../translated/translated.adapter.js';
import { anthropicVendor } from './anthropic-vendor.js';

/** Anthropic's Messages API. */
@Injectable()
export class AnthropicAdapter extends TranslatedAdapter {
  constructor(pools: UpstreamPools, clock: Clock) {
    super(anthropicVendor, pools, clock);
  }
}
