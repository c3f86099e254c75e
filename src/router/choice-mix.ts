import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { RoutingGroup } from './domain/ballot.js';
import type { RouteRequest } from './domain/model.js';

const KINDS_MAX = 1_000;
/** Choices, and prices, that one kind of request remembers: older ones fade. */
const REMEMBERED = 1_000;
/** How much is put right a request: slow enough not to run after every dear one, fast enough for a hundred requests. */
const GAIN = 0.01;
/** Most that the shares are bent: a model ten times as dear is drawn at most a hundred times more or less often. */
const TILT_MAX = 2;
/** A free model is not infinitely cheaper than others. */
const PRICE_RATIO_MAX = 1_000;

interface Kind {
  chosen: number;
  byModel: Map<string, number>;
  /** What requests of the router's group came to, and how many they were. */
  spentUsd: number;
  spent: number;
}

/** How the control group draws for one request. */
export interface Lottery {
  /** Kind of the request; what it comes to is told by this name. */
  kind: string;
  /** How far the shares are bent towards cheaper models, or dearer ones below 0. */
  tilt: number;
  /** Share of a model, given what the request is expected to cost there, USD. Only ratios count; 0 for one that the router does not choose. */
  shareOf: (modelId: string, usd: number) => number;
}

/**
 * What the router chooses lately, by kind of request (knob, weights, tiers, size to a factor of four). The control group draws from
 * these shares and looks at nothing in the request. Where the router gives long answers to cheap models that alone would make
 * control dearer, so the shares are bent by what control has spent too much or too little so far, against the mean of what the
 * router's group spent on the same kind: sessions are in a group by lot, so the two means are those of like requests.
 */
@Injectable()
export class ChoiceMix {
  private readonly kinds = new LRUCache<string, Kind>({ max: KINDS_MAX });
  /** What control has spent more than the router would have, USD. */
  private debtUsd = 0;
  private readonly control = { spentUsd: 0, spent: 0 };

  /** Counts what the router chooses, or would have chosen for a session that begins in the control group. */
  note(kind: string, modelId: string): void {
    const known = this.kindOf(kind);
    if (known.chosen >= REMEMBERED) fade(known);
    known.chosen += 1;
    known.byModel.set(modelId, (known.byModel.get(modelId) ?? 0) + 1);
  }

  /** Counts what a request came to. */
  spent(name: string, group: RoutingGroup, usd: number): void {
    const kind = this.kindOf(name);
    if (group === 'router') return add(kind, usd);
    add(this.control, usd);
    if (kind.spent === 0) return;
    // Beyond these bounds the tilt would not change any more.
    const most = (TILT_MAX / GAIN) * meanOf(this.control);
    this.debtUsd = Math.max(-most, Math.min(most, this.debtUsd + usd - meanOf(kind)));
  }

  lotteryFor(request: RouteRequest): Lottery {
    const kind = nameOf(request);
    const known = this.kinds.get(kind);
    const mean = meanOf(this.control);
    const tilt = mean > 0 ? Math.round(((GAIN * this.debtUsd) / mean) * 1e4) / 1e4 : 0;
    const usualUsd = known === undefined ? 0 : meanOf(known);
    const shareOf = (modelId: string, usd: number): number => {
      const share = known === undefined ? 0 : (known.byModel.get(modelId) ?? 0) / known.chosen;
      if (share === 0 || tilt === 0 || usualUsd === 0) return share;
      const ratio = Math.max(1 / PRICE_RATIO_MAX, Math.min(PRICE_RATIO_MAX, usd / usualUsd));
      return share * ratio ** -tilt;
    };
    return { kind, tilt, shareOf };
  }

  private kindOf(name: string): Kind {
    const known = this.kinds.get(name) ?? { chosen: 0, byModel: new Map<string, number>(), spentUsd: 0, spent: 0 };
    this.kinds.set(name, known);
    return known;
  }
}

function nameOf({ requestedModel, allowedTiers, needs, preferences }: RouteRequest): string {
  const size = Math.round(Math.log2(1 + needs.inputTokens + needs.outputTokens) / 2);
  return `${requestedModel} ${allowedTiers.join()} ${size} ${JSON.stringify(preferences)}`;
}

function add(sums: { spentUsd: number; spent: number }, usd: number): void {
  if (sums.spent >= REMEMBERED) {
    sums.spentUsd /= 2;
    sums.spent /= 2;
  }
  sums.spentUsd += usd;
  sums.spent += 1;
}

function meanOf({ spentUsd, spent }: { spentUsd: number; spent: number }): number {
  return spent === 0 ? 0 : spentUsd / spent;
}

function fade(kind: Kind): void {
  kind.chosen = 0;
  for (const [modelId, count] of kind.byModel) {
    if (count < 1) kind.byModel.delete(modelId);
    else {
      kind.byModel.set(modelId, count / 2);
      kind.chosen += count / 2;
    }
  }
}
