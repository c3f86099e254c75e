import { Injectable } from '@nestjs/common';
import { Clock } from '../../../platform/clock/index.js';
import { UpstreamPools } from '../../transport/upstream-pools.js';
import { TranslatedAdapter } from '../translated/translated.adapter.js';
import { geminiVendor } from './gemini-vendor.js';

/** Gemini's own API, `generateContent`. */
@Injectable()
export class GeminiAdapter extends TranslatedAdapter {
  constructor(pools: UpstreamPools, clock: Clock) {
    super(geminiVendor, pools, clock);
  }
}
