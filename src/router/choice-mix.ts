import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { RouteRequest } from './domain/model.js';

const STRATA_MAX = 1_000;
/** Choices that one kind of request remembers: older ones fade. */
const REMEMBERED = 1_000;

interface Stratum {
  total: number;
  byModel: Map<string, number>;
}

/**
 * What the router chooses lately, by kind of request (knob, weights, tiers, size to a factor of four). The control group draws from
 * these shares: it spends what the router spends on requests of the same kind, and looks at nothing in the request.
 */
@Injectable()
export class ChoiceMix {
  private readonly strata = new LRUCache<string, Stratum>({ max: STRATA_MAX });

  /** Counts what the router chooses, or would have chosen for the control group. */
  note(request: RouteRequest, modelId: string): void {
    const name = kindOf(request);
    const stratum = this.strata.get(name) ?? { total: 0, byModel: new Map<string, number>() };
    if (stratum.total >= REMEMBERED) fade(stratum);
    stratum.total += 1;
    stratum.byModel.set(modelId, (stratum.byModel.get(modelId) ?? 0) + 1);
    this.strata.set(name, stratum);
  }

  /** Share of a model among the choices for such requests; 0 while there is none. */
  sharesFor(request: RouteRequest): (modelId: string) => number {
    const stratum = this.strata.get(kindOf(request));
    return (modelId) => (stratum === undefined ? 0 : (stratum.byModel.get(modelId) ?? 0) / stratum.total);
  }
}

function kindOf({ requestedModel, allowedTiers, needs, preferences }: RouteRequest): string {
  const size = Math.round(Math.log2(1 + needs.inputTokens + needs.outputTokens) / 2);
  return `${requestedModel} ${allowedTiers.join()} ${size} ${JSON.stringify(preferences)}`;
}

function fade(stratum: Stratum): void {
  stratum.total = 0;
  for (const [modelId, count] of stratum.byModel) {
    if (count < 1) stratum.byModel.delete(modelId);
    else {
      stratum.byModel.set(modelId, count / 2);
      stratum.total += count / 2;
    }
  }
}
