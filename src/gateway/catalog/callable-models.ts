import { Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import type { ApiKey } from '../../auth/index.js';
import { PolicyService, type PolicyDecision } from '../../policy/index.js';
import { AUTO_MODEL, type ModelRecord, RouterService } from '../../router/index.js';
import { CatalogService } from './catalog.service.js';

export interface Caller {
  key: ApiKey;
  peerAddress: string;
  headers: IncomingHttpHeaders;
}

export interface CallableModels {
  /** `auto` may be sent. */
  auto: boolean;
  /** By tier and model_key. */
  models: readonly ModelRecord[];
  updatedAt: Date;
}
